"""KIS's master files (종목마스터): lines of cp949 text → `InstrumentRecord`. Pure.

A line is a head of varying length (short code, standard code, name) and a tail of fixed width, cut off from the end after decoding, since
a name's characters take one or two bytes. One line that does not fit fails the whole file: a file whose form has changed must not become
a list of instruments that is nearly right. Source: ``stocks_info`` of ``koreainvestment/open-trading-api`` (head 885dd4e).
"""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping

import msgspec

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.envelope import KIS
from api.brokers.market_data import InstrumentRecord

ENCODING = "cp949"
_CODE, _ISIN, _NAME = slice(0, 9), slice(9, 21), slice(21, None)
_HEAD_LEAST = 22
_SYMBOL_LENGTH = 6
_ISIN_LENGTH = 12
_ETN_PREFIX = "Q"
_LARGEST_FILE = 64 * 1024 * 1024  # the real ones have about 2 MB

# all that the library may raise over damaged bytes
_BROKEN_ZIP = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, EOFError, OSError, RuntimeError, ValueError),
)


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file's tail holds what: offsets in it, counted in characters from 0."""

    market: str
    tail: int
    etp: int
    reference_price: slice
    lot: slice
    halted: int
    liquidation: int
    administrative: int


KOSPI = Layout(
    market="KOSPI",
    tail=227,
    etp=22,
    reference_price=slice(41, 50),
    lot=slice(50, 55),
    halted=60,
    liquidation=61,
    administrative=62,
)
KOSDAQ = Layout(
    market="KOSDAQ",
    tail=221,
    etp=18,
    reference_price=slice(36, 45),
    lot=slice(45, 50),
    halted=55,
    liquidation=56,
    administrative=57,
)
FILES: Mapping[str, Layout] = {"kospi_code.mst": KOSPI, "kosdaq_code.mst": KOSDAQ}
NXT_FILES: Mapping[str, Layout] = {"nxt_kospi_code.mst": KOSPI, "nxt_kosdaq_code.mst": KOSDAQ}
"""What may also be traded at NXT: the same layouts (said by several users, not by KIS)."""

# scrt_grp_cls_code; ETNs are told by the ETP field, whatever their group
_KINDS = {"ST": "stock", "RT": "stock", "DR": "stock", "MF": "stock", "SC": "stock", "IF": "stock", "FS": "stock", "EF": "etf", "FE": "etf"}
_NOT_TRADED = frozenset({"EW", "SW", "SR", "BC"})  # ELW, warrants, rights, beneficiary certificates: no instruments of Lucy's
_ETN_CODES = frozenset({"3", "4"})


class Master(msgspec.Struct, frozen=True, kw_only=True):
    """A file, read. ``unknown_groups``: group codes that no source explains, and how many lines were left out for each."""

    records: list[InstrumentRecord]
    unknown_groups: dict[str, int]


def unzip(name: str, content: bytes) -> bytes:
    """The one file in a zip of KIS's.

    Raises:
        BrokerProtocolError: It is no zip, or does not hold the file that it is named after.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(name).file_size > _LARGEST_FILE:
                raise BrokerProtocolError(KIS, name, "zip", "larger than any master file")
            return archive.read(name)
    except KeyError as error:
        raise BrokerProtocolError(KIS, name, "zip", "does not hold this file") from error
    except _BROKEN_ZIP as error:
        raise BrokerProtocolError(KIS, name, "zip", f"cannot be unpacked: {error}") from error


def parse_master(name: str, layout: Layout, content: bytes) -> Master:
    """Read an unpacked master file.

    Args:
        name: The file's name, for errors.
        layout: One of `FILES` or `NXT_FILES`.
        content: Its bytes, cp949, a record a line.

    Raises:
        BrokerProtocolError: A line does not fit, with file, line and field named; or there is not one line.
    """
    records: list[InstrumentRecord] = []
    unknown: dict[str, int] = {}
    lines = content.split(b"\n")  # 0x0A is no part of a cp949 character
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            line = raw.decode(ENCODING).rstrip("\r")
        except UnicodeDecodeError as error:
            raise _misfit(name, number, "line", f"not {ENCODING}") from error
        record = _record(name, number, layout, line, unknown)
        if record is not None:
            records.append(record)
    if not records and not unknown:
        raise BrokerProtocolError(KIS, name, "line", "no instrument in it")
    return Master(records=records, unknown_groups=unknown)


def _record(name: str, number: int, layout: Layout, line: str, unknown: dict[str, int]) -> InstrumentRecord | None:
    head, tail = line[: -layout.tail], line[-layout.tail :]
    if len(head) < _HEAD_LEAST:
        raise _misfit(name, number, "line", f"{len(line)} characters")
    flags = {field: tail[getattr(layout, field)] for field in ("halted", "liquidation", "administrative")}
    for field, flag in flags.items():
        if flag not in "YN":
            raise _misfit(name, number, field, f"neither Y nor N: {flag!r}")
    group = tail[:2]
    if not (group.isascii() and group.isalpha()):
        raise _misfit(name, number, "scrt_grp_cls_code", f"not two letters: {group!r}")
    kind = "etn" if tail[layout.etp] in _ETN_CODES else _KINDS.get(group)
    if kind is None:
        if group not in _NOT_TRADED:
            unknown[group] = unknown.get(group, 0) + 1
        return None
    return InstrumentRecord(
        symbol=_symbol(name, number, head[_CODE].strip()),
        isin=_isin(name, number, head[_ISIN].strip()),
        name=_name(name, number, head[_NAME].strip()),
        english_name="",
        market=layout.market,
        kind=kind,
        reference_price=_number(name, number, "reference_price", tail[layout.reference_price]),
        upper_limit_price=None,
        lower_limit_price=None,
        lot_size=_number(name, number, "lot", tail[layout.lot]) or 1,
        is_halted=flags["halted"] == "Y",
        is_administrative=flags["administrative"] == "Y",
        is_liquidation=flags["liquidation"] == "Y",
    )


def _symbol(name: str, number: int, code: str) -> str:
    symbol = code.removeprefix(_ETN_PREFIX) if len(code) > _SYMBOL_LENGTH else code
    if len(symbol) != _SYMBOL_LENGTH or not (symbol.isascii() and symbol.isalnum()):
        raise _misfit(name, number, "short code", repr(code))
    return symbol


def _isin(name: str, number: int, code: str) -> str:
    if len(code) != _ISIN_LENGTH or not (code.isascii() and code.isalnum()):
        raise _misfit(name, number, "standard code", repr(code))
    return code


def _name(name: str, number: int, text: str) -> str:
    if not text or not text.isprintable():
        raise _misfit(name, number, "name", repr(text))
    return text


def _number(name: str, number: int, field: str, text: str) -> int:
    if not (text.isascii() and text.strip().isdecimal()):
        raise _misfit(name, number, field, f"not a number: {text!r}")
    return int(text)


def _misfit(name: str, number: int, field: str, problem: str) -> BrokerProtocolError:
    return BrokerProtocolError(KIS, name, field, f"line {number}: {problem}")
