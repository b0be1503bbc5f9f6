"""Fetches KIS's master files: static, without keys, refreshed every trading day."""

import asyncio
from collections.abc import Mapping

import httpx
import structlog
from msgspec.structs import replace

from api.brokers.errors import BrokerProtocolError, BrokerUnavailable
from api.brokers.kis.envelope import KIS
from api.brokers.kis.master import FILES, NXT_FILES, Layout, Master, parse_master, unzip
from api.brokers.kis.parse_research import parse_firms
from api.brokers.market_data import InstrumentRecord
from api.brokers.research import SecuritiesFirm

log = structlog.get_logger()

_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_OK, _NOT_FOUND = 200, 404
_FIRMS = "memcode.mst"


class _FileMissing(Exception):
    """The server does not have the file."""


class MasterFiles:
    """The master files at one address.

    Args:
        http: Shared client.
        url: Folder of the files, without a trailing slash.
    """

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url

    async def instruments(self) -> list[InstrumentRecord]:
        """All stocks, ETFs and ETNs of KOSPI and KOSDAQ.

        ``is_nxt_tradable`` stays None where KIS does not have the NXT file of a market, which no document of its own promises.

        Raises:
            BrokerUnavailable: A file cannot be fetched.
            BrokerProtocolError: A file does not have the documented form.
        """
        found: list[InstrumentRecord] = []
        for (name, layout), (nxt_name, _) in zip(FILES.items(), NXT_FILES.items(), strict=True):
            try:
                master = await self._read(name, layout)
            except _FileMissing as error:
                raise BrokerUnavailable(KIS, sent=True, reason=f"{name} is not there") from error
            at_nxt = await self._nxt_symbols(nxt_name, layout)
            found += [replace(record, is_nxt_tradable=None if at_nxt is None else record.symbol in at_nxt) for record in master.records]
        return found

    async def firms(self) -> list[SecuritiesFirm]:
        """The members of the exchange (``memcode.mst``, the one file that is not zipped).

        Raises:
            BrokerUnavailable: It cannot be fetched.
            BrokerProtocolError: It does not have the documented form.
        """
        try:
            content = await self._fetch(_FIRMS)
        except _FileMissing as error:
            raise BrokerUnavailable(KIS, sent=True, reason=f"{_FIRMS} is not there") from error
        try:
            return parse_firms(content.decode("cp949"))
        except UnicodeDecodeError as error:
            raise BrokerProtocolError(KIS, _FIRMS, "file", "not in cp949") from error

    async def _nxt_symbols(self, name: str, layout: Layout) -> frozenset[str] | None:
        try:
            master = await self._read(name, layout)
        except _FileMissing:
            log.warning("kis_master_missing", file=name)
            return None
        return frozenset(record.symbol for record in master.records)

    async def _read(self, name: str, layout: Layout) -> Master:
        content = await self._fetch(f"{name}.zip")
        master = await asyncio.to_thread(_unpacked, name, layout, content)  # some ten thousand lines
        if master.unknown_groups:
            log.warning("kis_master_unknown_groups", file=name, groups=_sorted(master.unknown_groups))
        return master

    async def _fetch(self, file: str) -> bytes:
        try:
            answer = await self._http.get(f"{self._url}/{file}", timeout=_TIMEOUT)
        except httpx.RequestError as error:
            raise BrokerUnavailable(KIS, sent=True, reason=f"{file}: {type(error).__name__}") from error
        if answer.status_code == _NOT_FOUND:
            raise _FileMissing
        if answer.status_code != _OK:
            raise BrokerUnavailable(KIS, sent=True, reason=f"{file}: HTTP {answer.status_code}")
        return answer.content


def _unpacked(name: str, layout: Layout, content: bytes) -> Master:
    return parse_master(name, layout, unzip(name, content))


def _sorted(groups: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(groups.items()))
