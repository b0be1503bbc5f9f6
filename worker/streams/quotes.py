"""Live prices on an account's execution stream: following what is looked at, and showing what the feed tells."""

import asyncio

import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.bootstrap import Services
from api.brokers.base import QuoteFeed
from api.brokers.errors import BrokerUnavailable
from api.brokers.market_data import LastTrade, Quote
from api.kit.clock import kst_day

log = structlog.get_logger(__name__)

_BUSY_SECONDS = 0.25
_IDLE_SECONDS = 1.0


class QuoteFollower:
    """Follows quotes on one open stream until cancelled or the line breaks; its troubles are never the executions'."""

    def __init__(self, services: Services, account_id: str, feed: QuoteFeed) -> None:
        self._services = services
        self._live = services.live_quotes
        self._account_id = account_id
        self._feed = feed
        self._shown: set[str] = set()

    async def run(self) -> None:
        """Never raises: whoever reads the stream is told of a broken line there."""
        await self._clear()
        try:
            while True:
                await self._round()
                await asyncio.sleep(_BUSY_SECONDS if self._feed.followed else _IDLE_SECONDS)
        except BrokerUnavailable:
            pass
        except Exception:  # at the border: fills go on without quotes
            log.exception("quotes_not_followed", account_id=self._account_id)
        finally:
            await self._clear()

    async def _round(self) -> None:
        try:
            await self._feed.follow(await self._live.wanted(self._account_id))
            quotes = [quote for trade in self._feed.take_trades() if (quote := await self._quote(trade)) is not None]
            dropped = self._shown - self._feed.followed
            self._shown |= {quote.symbol for quote in quotes}
            if self._shown:
                await self._live.put(self._account_id, quotes, dropped)
            self._shown -= dropped
        except (RedisError, PyMongoError) as error:  # what was taken comes with the next trade, what is to go with the next round
            log.warning("quotes_not_shown", account_id=self._account_id, problem=str(error))
            await asyncio.sleep(_IDLE_SECONDS)

    async def _quote(self, trade: LastTrade) -> Quote | None:
        """With the day's limits, which a trade does not tell; None where the master does not know today's."""
        instrument = await self._services.market.find(trade.symbol)
        if instrument is None or instrument.priced_day != kst_day(self._services.clock.now()).isoformat():
            return None
        upper, lower = instrument.upper_limit_price, instrument.lower_limit_price
        if upper is None or lower is None:
            return None
        return Quote(
            symbol=trade.symbol,
            price=trade.price,
            change=trade.change,
            change_rate=trade.change_rate,
            open_price=trade.open_price,
            high_price=trade.high_price,
            low_price=trade.low_price,
            upper_limit_price=upper,
            lower_limit_price=lower,
            reference_price=trade.price - trade.change,
            volume=trade.volume,
            turnover_amount=trade.turnover_amount,
            is_live=True,
        )

    async def _clear(self) -> None:
        try:
            await self._live.clear(self._account_id)
        except RedisError as error:  # they end by themselves in a moment
            log.warning("quotes_not_cleared", account_id=self._account_id, problem=str(error))
