"""Instruments from the brokers' masters, and quotes from the brokers."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, UpdateOne

from api.brokers.base import BrokerAdapter, BrokerError, BrokerUnsupported
from api.brokers.market_data import InstrumentRecord
from api.brokers.market_data import Quote as BrokerQuote
from api.domain.hangul import initials
from api.domain.ticks import tick_size
from api.errors import InstrumentNotTradable, UnknownSymbol
from api.kit.clock import Clock, kst_day
from api.market.documents import InstrumentDocument
from api.market.schemas import Instrument, Quote

log = structlog.get_logger(__name__)

_REFRESH = timedelta(seconds=30)
"""How old the in-process copy of the master may be: a halt or a new day's limits are known that much later at most."""


class MarketService:
    """The instrument master, held whole in memory (some 4,000 entries), and quotes."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock) -> None:
        self._collection = database[InstrumentDocument.__collection__]
        self._clock = clock
        self._by_symbol: dict[str, InstrumentDocument] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()

    async def create_indexes(self) -> None:
        """Search is done in memory; only the refresh asks by time."""
        await self._collection.create_index([("updated_at", ASCENDING)])

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
        return self._by_symbol.get(symbol)

    async def get(self, symbol: str) -> InstrumentDocument:
        """The instrument; `UnknownSymbol` where there is none."""
        instrument = await self.find(symbol)
        if instrument is None:
            raise UnknownSymbol(f"No instrument has the symbol {symbol}.", errors=[{"field": "symbol", "message": "unknown"}])
        return instrument

    async def search(self, query: str, limit: int) -> list[Instrument]:
        """Instruments by code, Korean name, English name or initial consonants; those that begin so first."""
        await self._refresh()
        wanted = query.strip().lower().replace(" ", "")
        ranked = [
            (rank, document.symbol, document) for document in self._by_symbol.values() if (rank := _rank(document, wanted)) is not None
        ]
        ranked.sort(key=lambda entry: entry[:2])
        return [to_wire(document) for _, _, document in ranked[:limit]]

    async def quotes(self, symbols: Sequence[str], adapters: Sequence[BrokerAdapter]) -> list[Quote]:
        """Current prices, the symbols spread over the caller's accounts' adapters."""
        instruments = [await self.get(symbol) for symbol in symbols]
        found = await asyncio.gather(
            *(adapters[number % len(adapters)].get_quote(instrument.symbol) for number, instrument in enumerate(instruments))
        )
        return [
            self._quote(instrument, quote, adapters[number % len(adapters)].broker)
            for number, (instrument, quote) in enumerate(zip(instruments, found, strict=True))
        ]

    async def load(self, records: Iterable[InstrumentRecord]) -> int:
        """Store a broker's master; instruments that it does not list stay. Safe to do twice.

        Returns:
            How many instruments it had.
        """
        now = self._clock.now()
        day = kst_day(now).isoformat()
        updates = [
            UpdateOne(
                {"_id": record.symbol},
                {
                    "$set": {
                        "isin": record.isin,
                        "name": record.name,
                        "english_name": record.english_name,
                        "initials": initials(record.name),
                        "market": record.market,
                        "kind": record.kind,
                        "reference_price": record.reference_price,
                        "upper_limit_price": record.upper_limit_price,
                        "lower_limit_price": record.lower_limit_price,
                        "lot_size": record.lot_size,
                        "is_halted": record.is_halted,
                        "priced_day": day,
                        "updated_at": now,
                    }
                },
                upsert=True,
            )
            for record in records
        ]
        if updates:
            await self._collection.bulk_write(updates, ordered=False)
        self._loaded_at = float("-inf")
        log.info("instruments_loaded", count=len(updates))
        return len(updates)

    async def load_from(self, adapters: Sequence[BrokerAdapter]) -> int:
        """Load the master from the first broker that gives one.

        Returns:
            How many instruments it had; 0 where none of the brokers has a master.
        """
        for adapter in adapters:
            try:
                records = await adapter.list_instruments()
            except BrokerUnsupported:
                continue
            except BrokerError as error:
                log.warning("instruments_not_loaded", broker=adapter.broker, problem=str(error))
                continue
            return await self.load(records)
        return 0

    async def _refresh(self) -> None:
        if self._clock.monotonic() - self._loaded_at < (_REFRESH.total_seconds() if self._by_symbol else 0.5):
            return
        async with self._loading:
            if self._by_symbol and self._clock.monotonic() - self._loaded_at < _REFRESH.total_seconds():
                return
            documents = [InstrumentDocument.model_validate_doc(document) async for document in self._collection.find({})]
            self._by_symbol = {document.symbol: document for document in documents}
            self._loaded_at = self._clock.monotonic()

    def _quote(self, instrument: InstrumentDocument, quote: BrokerQuote, broker: str) -> Quote:
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
            at=self._clock.now(),
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
        priced_day=date.fromisoformat(document.priced_day),
    )


def _rank(document: InstrumentDocument, wanted: str) -> int | None:
    texts = (
        document.symbol.lower(),
        document.name.lower().replace(" ", ""),
        document.initials,
        document.english_name.lower().replace(" ", ""),
    )
    if wanted in texts:
        return 0
    if any(text.startswith(wanted) for text in texts):
        return 1
    return 2 if any(wanted in text for text in texts) else None
