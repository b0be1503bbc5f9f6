"""Instruments from the brokers' masters, and quotes from the brokers."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import UpdateOne

from api.brokers.base import BrokerAdapter
from api.brokers.capabilities import Inquiry
from api.brokers.errors import BrokerError, BrokerRejected, BrokerUnsupported
from api.brokers.market_data import InstrumentRecord
from api.brokers.market_data import Quote as BrokerQuote
from api.domain.enums import Broker
from api.domain.ticks import tick_size
from api.errors import InstrumentNotTradable, UnknownSymbol
from api.kit.clock import Clock, kst_day
from api.market.documents import InstrumentDocument
from api.market.merging import by_symbol, detailed, merged
from api.market.schemas import Instrument, Quote
from api.market.search import Entry, entry_of, search

log = structlog.get_logger(__name__)

_REFRESH = timedelta(seconds=15)
"""How old the in-process copy of the master may be: a halt or a new day's limits are known that much later at most."""

_AT_A_TIME = 50
"""Instruments (of 4,000) after which others get their turn: orders and fills do not wait for a master."""

_ASK_AGAIN_AFTER = timedelta(days=30)
"""A broker that had no English name is asked again after this long."""


class MarketService:
    """The instrument master, held whole in memory (some 4,000 entries), and quotes."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock) -> None:
        self._collection = database[InstrumentDocument.__collection__]
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._stored: dict[str, dict[str, Any]] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()

    async def tradable(self, symbol: str) -> InstrumentDocument:
        """The instrument, if an order may name it.

        Raises:
            UnknownSymbol: No such instrument.
            InstrumentNotTradable: Trading in it is halted.
        """
        instrument = await self.get(symbol)
        if instrument.is_halted:
            raise InstrumentNotTradable(f"Trading in {symbol} {instrument.name} is halted.")
        return instrument

    async def find(self, symbol: str) -> InstrumentDocument | None:
        """The instrument, or None."""
        await self._refresh()
        entry = self._entries.get(symbol)
        return None if entry is None else entry.document

    async def get(self, symbol: str) -> InstrumentDocument:
        """The instrument; `UnknownSymbol` where there is none."""
        instrument = await self.find(symbol)
        if instrument is None:
            raise UnknownSymbol(f"No instrument has the symbol {symbol}.", errors=[{"field": "symbol", "message": "unknown"}])
        return instrument

    async def search(self, query: str, limit: int) -> list[Instrument]:
        """Instruments by code, Korean name, English name or initial consonants; those that begin so first."""
        await self._refresh()
        return [to_wire(document) for document in search(self._entries.values(), query, limit)]

    async def load(self, *masters: Iterable[InstrumentRecord]) -> int:
        """Store brokers' masters, merged (`merging`); instruments that none lists stay. Safe to do twice.

        Returns:
            How many instruments they had.
        """
        self._loaded_at = float("-inf")
        await self._refresh()
        now = self._clock.now()
        day = kst_day(now).isoformat()
        found = by_symbol(masters)
        updates = []
        for number, (symbol, records) in enumerate(found.items()):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            entry = self._entries.get(symbol)
            known = None if entry is None else entry.document
            fields = merged(records, known, day)
            if known is None or any(getattr(known, name) != value for name, value in fields.items()):
                updates.append(UpdateOne({"_id": symbol}, {"$set": fields | {"updated_at": now}}, upsert=True))
        if updates:
            await self._collection.bulk_write(updates, ordered=False)
        self._loaded_at = float("-inf")
        log.info("instruments_loaded", count=len(found), changed=len(updates))
        return len(found)

    async def load_from(self, adapters: Sequence[BrokerAdapter]) -> int:
        """Load the masters of all brokers that have one, each once: another account of the same broker only where the first failed.

        Returns:
            How many instruments they had; 0 where no broker gave a master.
        """
        masters: dict[Broker, list[InstrumentRecord]] = {}
        for adapter in adapters:
            if adapter.broker in masters:
                continue
            try:
                masters[adapter.broker] = await adapter.list_instruments()
            except BrokerUnsupported:
                continue
            except BrokerError as error:
                log.warning("instruments_not_loaded", broker=adapter.broker, problem=str(error))
        return await self.load(*masters.values()) if masters else 0

    async def fill_details(self, adapters: Sequence[BrokerAdapter], *, most: int, pause_seconds: float) -> int:
        """Ask a broker for what the masters lack, one instrument after the other, at a pace that leaves the call limit to others.

        Stops early where the broker does not answer: what was filled is stored, and the next call goes on from there.

        Args:
            adapters: The first that offers it is asked; another where that one does not answer at all.
            most: How many instruments at most.
            pause_seconds: Between two questions.

        Returns:
            How many instruments were asked about.
        """
        await self._refresh()
        before = self._clock.now() - _ASK_AGAIN_AFTER
        waiting = [
            entry.document
            for entry in self._entries.values()
            if not entry.document.english_name and (entry.document.detailed_at is None or entry.document.detailed_at < before)
        ]
        waiting.sort(key=lambda document: (document.kind != "stock", document.symbol))
        asked = 0
        for adapter in adapters:
            if asked == 0 and waiting and Inquiry.INSTRUMENT_DETAIL in adapter.capabilities.inquiries:
                asked = await self._fill_from(adapter, waiting[:most], pause_seconds)
        self._loaded_at = float("-inf")
        return asked

    async def _fill_from(self, adapter: BrokerAdapter, waiting: Sequence[InstrumentDocument], pause_seconds: float) -> int:
        for asked, document in enumerate(waiting):
            try:
                fields = detailed(await adapter.get_instrument_detail(document.symbol), document)
            except BrokerRejected as error:  # it knows no such instrument
                log.info("instrument_without_detail", symbol=document.symbol, broker=adapter.broker, code=error.code)
                fields = {}
            except BrokerError as error:
                log.warning("instrument_details_interrupted", symbol=document.symbol, broker=adapter.broker, problem=str(error))
                return asked
            now = self._clock.now()
            await self._collection.update_one({"_id": document.symbol}, {"$set": fields | {"detailed_at": now, "updated_at": now}})
            await asyncio.sleep(pause_seconds)
        return len(waiting)

    async def _refresh(self) -> None:
        if self._clock.monotonic() - self._loaded_at < (_REFRESH.total_seconds() if self._entries else 0.5):
            return
        async with self._loading:
            if self._entries and self._clock.monotonic() - self._loaded_at < _REFRESH.total_seconds():
                return
            for number, raw in enumerate(await self._collection.find({}).to_list(None)):
                symbol = raw["_id"]
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)
                if self._stored.get(symbol) != raw:  # reading them into documents is what takes time
                    self._stored[symbol] = raw
                    self._entries[symbol] = entry_of(InstrumentDocument.model_validate_doc(raw))
            self._loaded_at = self._clock.monotonic()


def to_quote(instrument: InstrumentDocument, quote: BrokerQuote, broker: str, at: datetime) -> Quote:
    """The wire form of a broker's quote."""
    return Quote(
        symbol=instrument.symbol,
        name=instrument.name,
        price=quote.price,
        change=quote.change,
        change_rate=float(quote.change_rate),
        open_price=quote.open_price,
        high_price=quote.high_price,
        low_price=quote.low_price,
        upper_limit_price=quote.upper_limit_price,
        lower_limit_price=quote.lower_limit_price,
        reference_price=quote.reference_price,
        volume=quote.volume,
        turnover_amount=quote.turnover_amount,
        tick_size=tick_size(quote.price, instrument.kind),
        broker=broker,
        is_live=quote.is_live,
        at=at,
    )


def to_wire(document: InstrumentDocument) -> Instrument:
    """The wire form of a stored instrument."""
    return Instrument(
        symbol=document.symbol,
        isin=document.isin,
        name=document.name,
        english_name=document.english_name,
        market=document.market,
        kind=document.kind,
        reference_price=document.reference_price,
        upper_limit_price=document.upper_limit_price,
        lower_limit_price=document.lower_limit_price,
        tick_size=tick_size(document.reference_price, document.kind),
        lot_size=document.lot_size,
        is_halted=document.is_halted,
        is_administrative=document.is_administrative,
        is_liquidation=document.is_liquidation,
        is_nxt_tradable=document.is_nxt_tradable,
        listed_shares=document.listed_shares,
        par_value=document.par_value,
        listed_on=None if document.listed_on is None else date.fromisoformat(document.listed_on),
        priced_day=date.fromisoformat(document.priced_day),
    )
