"""The master files of the sample: cp949 lines with a head of varying and a tail of fixed width, zipped. Made anew at each request.

The tails are those of KIS's own readers (``stocks_info`` of its repository): 227 characters for KOSPI, 221 for KOSDAQ.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from aiohttp import web

from ..doors import Doors
from ..history import FIRST_DAY
from ..instruments import Instrument
from .finance import firms_file
from .products import is_at_nxt

FOLDER = "/common/master/"
_HUNDRED_MILLION = 100_000_000
_PAR_VALUE = 100

_Wanted = Callable[[Instrument], bool]
_FILES: dict[str, _Wanted] = {
    "kospi_code.mst": lambda one: one.market == "KOSPI",
    "kosdaq_code.mst": lambda one: one.market == "KOSDAQ",
    "nxt_kospi_code.mst": lambda one: one.market == "KOSPI" and is_at_nxt(one),
    "nxt_kosdaq_code.mst": lambda one: one.market == "KOSDAQ" and is_at_nxt(one),
}


def answer(doors: Doors, request: web.Request) -> web.Response:
    """One file; no keys are asked for, nothing is counted."""
    if request.path == f"{FOLDER}memcode.mst" and request.method in {"GET", "HEAD"}:
        return web.Response(body=firms_file(), headers={"Content-Type": "application/octet-stream"})
    name = request.path.removeprefix(FOLDER).removesuffix(".zip")
    if name not in _FILES or request.path != f"{FOLDER}{name}.zip":
        return web.Response(status=404)
    if request.method not in {"GET", "HEAD"}:
        return web.Response(status=405)
    lines = [line(doors, one) for one in doors.exchange.instruments.values() if _FILES[name](one)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, "".join(f"{text}\n" for text in lines).encode("cp949"))
    return web.Response(body=buffer.getvalue(), headers={"Content-Type": "application/zip"})


def line(doors: Doors, instrument: Instrument) -> str:
    """One record without its line end."""
    name = instrument.name
    padding = " " * max(0, 40 - len(name.encode("cp949")))
    head = f"{instrument.symbol:<9}{instrument.isin:<12}{name}{padding}"
    return head + "".join(_kospi_tail(doors, instrument) if instrument.market == "KOSPI" else _kosdaq_tail(doors, instrument))


def _kospi_tail(doors: Doors, one: Instrument) -> list[str]:
    sectors = ["N"] * 17  # KRX100 … KRX sector indices, short-term overheating in between
    sectors[5], sectors[8] = "N", "0"
    return [
        "EF" if one.is_etf else "ST", "0" if one.is_etf else "1", "0000", "0000", "0000",
        "N", "N", "N", "0", "N", "N", "N", "1" if one.is_etf else "0", " ",
        *sectors,
        *_common(doors, one),
        "Y" if not one.is_etf else "N", " ",
        *_accounts(doors, one),
    ]  # fmt: skip


def _kosdaq_tail(doors: Doors, one: Instrument) -> list[str]:
    sectors = ["N"] * 16  # KRX100 … KOSDAQ150, short-term overheating and the warning flag in between
    sectors[8] = "0"
    return [
        "EF" if one.is_etf else "ST", "0" if one.is_etf else "1", "0000", "0000", "0000",
        "N", "N", "N", "1" if one.is_etf else "0",
        *sectors, "N",
        *_common(doors, one),
        "N",
        *_accounts(doors, one),
    ]  # fmt: skip


def _common(doors: Doors, one: Instrument) -> list[str]:
    """From the base price to the KRX300 flag, which both markets have alike."""
    previous = doors.history.previous(one.symbol)
    capital = one.listed_shares * _PAR_VALUE
    return [
        f"{one.reference_price:09d}", f"{one.lot:05d}", f"{one.lot:05d}",
        "Y" if one.symbol in doors.exchange.halted else "N", "N", "N", "00", "N", "N", "N", "00", "00", "00",
        "020", "Y", "090", f"{previous.volume:012d}", f"{_PAR_VALUE:012d}", FIRST_DAY.strftime("%Y%m%d"),
        f"{one.listed_shares // 1000:015d}", f"{capital:021d}", "12", "0000000",
        "0" if one.is_etf or one.symbol[-1] == "0" else "1", "N", "N",
    ]  # fmt: skip


def _accounts(doors: Doors, one: Instrument) -> list[str]:
    """From the sales to the last flag. The company's figures are left at zero: the sandbox has none."""
    last_december = f"{doors.history.today.year - 1}1231"
    worth = one.listed_shares * one.reference_price // _HUNDRED_MILLION
    return ["0" * 9, "0" * 9, "0" * 9, "0" * 5, "0" * 9, last_december, f"{worth:09d}", "   ", "N", "Y", "Y"]
