"""Prices of many instruments at once, as fast as the brokers' call limits leave room for and no faster."""

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from api.brokers.errors import BrokerError, BrokerProtocolError
from api.errors import LucyError, TooManyRequests
from api.kit.clock import Clock
from api.market.schemas import Quote
from api.market.service import MarketService, to_quote
from api.market.sources import Sources, always

_AT_A_TIME = 8
_LONGEST_SECONDS = 8.0
"""What was not asked by then is asked first the next time: the one who waits gets the rest now."""


class Priced(Struct, kw_only=True, frozen=True):
    """A price, or the last one known, and why there is no newer one."""

    symbol: str
    quote: Quote | None
    problem: BrokerError | LucyError | None


async def price_of(sources: Sources, symbol: str, *, start: int = 0) -> int:
    """The price now, in won, from the source with this number or the next that answers; raises `BrokerError`."""
    quote, _ = await sources.ask("quotes", always, lambda adapter: adapter.get_quote(symbol), start=start)
    return quote.price


class QuoteBoard:
    """Asks for prices, and remembers the last of each instrument in this process."""

    def __init__(self, market: MarketService, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._known: dict[tuple[bool, str], Quote] = {}

    async def ask(self, sources: Sources, symbols: Sequence[str]) -> list[Priced]:
        """A price for each symbol, in order. Brokers merge what several ask at once; those longest unasked come first.

        Nothing is raised: what a broker did not tell has a ``problem``, and the last price that it did tell.
        """
        order = sorted(symbols, key=lambda symbol: self._as_of(sources, symbol))
        room = asyncio.Semaphore(_AT_A_TIME)
        tasks = {symbol: asyncio.create_task(self._one(sources, symbol, number, room)) for number, symbol in enumerate(order)}
        if tasks:
            _, late = await asyncio.wait(tasks.values(), timeout=_LONGEST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        return [self._priced(sources, symbol, tasks[symbol]) for symbol in symbols]

    async def _one(self, sources: Sources, symbol: str, number: int, room: asyncio.Semaphore) -> Quote:
        async with room:
            instrument = await self._market.get(symbol)
            quote, broker = await sources.quote(symbol, start=number)
            try:
                known = to_quote(instrument, quote, broker, self._clock.now())
            except ValueError as error:
                raise BrokerProtocolError(broker, "quotes", "change_rate", f"{quote.change_rate!r} is no number") from error
            self._known[sources.is_sandbox, symbol] = msgspec.structs.replace(known, is_live=False)
            return known

    def _priced(self, sources: Sources, symbol: str, task: "asyncio.Task[Quote]") -> Priced:
        last = self._known.get((sources.is_sandbox, symbol))
        if task.cancelled():
            return Priced(symbol=symbol, quote=last, problem=TooManyRequests("There was no room for it under the brokers' call limits."))
        error = task.exception()
        if error is None:
            return Priced(symbol=symbol, quote=task.result(), problem=None)
        if isinstance(error, BrokerError | LucyError):
            return Priced(symbol=symbol, quote=last, problem=error)
        raise error

    def _as_of(self, sources: Sources, symbol: str) -> float:
        known = self._known.get((sources.is_sandbox, symbol))
        return 0.0 if known is None else known.at.timestamp()
