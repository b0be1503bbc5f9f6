"""LS behind Lucy's port.

Stocks and ETFs go as ``A`` + code, which both environments take. ETNs, which LS wants with a ``Q``, are told apart by nothing in
`NewOrder`, so they get the ``A`` too and may be refused (01524).
"""

from collections.abc import Awaitable, Callable
from datetime import date
from functools import cache
from typing import ClassVar

import httpx
import msgspec
import structlog

from api.brokers.base import Acknowledgement, Balance, BrokerOrder, BuyingPower, Credentials, LiveOrder, NewOrder, Notice, Position
from api.brokers.capabilities import Capabilities, Inquiry
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.errors import BrokerError, BrokerProtocolError, BrokerRejected, BrokerUnsupported
from api.brokers.ls import codes, messages, parse
from api.brokers.ls.codes import LS, Tr
from api.brokers.ls.day_orders import LsDayOrders
from api.brokers.ls.limits import MAX_PAGES
from api.brokers.ls.market import LsMarket
from api.brokers.ls.notices import parse_notices
from api.brokers.ls.rest import LsRest
from api.brokers.ls.stream import LsStream, open_stream
from api.brokers.market_data import (
    Candle,
    FinancialRatio,
    InstrumentDetail,
    InstrumentRecord,
    InvestmentOpinion,
    OrderBook,
    Quote,
    RankedInstrument,
    TradingDay,
)
from api.brokers.research import NoResearch
from api.brokers.tokens import TokenStore
from api.domain.enums import Broker, CandleInterval, Environment, RankingKind, Side
from api.errors import UnsupportedOrder
from api.kit.call_scheduler import CallScheduler
from api.kit.clock import Clock, kst_day

log = structlog.get_logger()


@cache
def capabilities_of(environment: Environment) -> Capabilities:
    """What LS takes and answers in an environment; see `codes.ORDER_KINDS`. Paper serves the real market's data."""
    return Capabilities(
        order_kinds=codes.ORDER_KINDS[environment],
        replaceable_order_types=codes.REPLACEABLE,
        can_increase_quantity=False,
        inquiries=frozenset({Inquiry.SELLABLE_QUANTITY, Inquiry.ORDER_BOOK, Inquiry.INSTRUMENTS}),
        candle_intervals=frozenset(CandleInterval),
        rankings=frozenset({RankingKind.VOLUME, RankingKind.TURNOVER, RankingKind.GAINERS, RankingKind.LOSERS}),
    )


class LsAdapter:
    """One account at LS; implements `api.brokers.base.BrokerAdapter`.

    Args:
        credentials: ``account_number`` is never sent: the app key belongs to one account.
        http: Pooled client, shared.
        urls: Of the account's environment. REST is one server for both; the websocket has a port for each.
        tokens: Shared token store.
        scheduler: Shared call scheduler.
        clock: Current time.
    """

    broker: ClassVar[Broker] = Broker.LS

    def __init__(
        self,
        credentials: Credentials,
        http: httpx.AsyncClient,
        urls: BrokerEndpoints,
        tokens: TokenStore,
        scheduler: CallScheduler,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._urls = urls
        self._clock = clock
        self._rest = LsRest(credentials, http, urls.rest_url, tokens, scheduler, clock)
        self._market = LsMarket(self._rest, clock)
        self._day_orders = LsDayOrders(self._rest, credentials.account_id)

    @property
    def capabilities(self) -> Capabilities:
        """What LS takes in this environment."""
        return capabilities_of(self._credentials.environment)

    async def place(self, order: NewOrder, *, deadline: float) -> Acknowledgement:
        """Send one new order (CSPAT00601)."""
        if (order.order_type, order.time_in_force, order.exchange) not in self.capabilities.order_kinds:
            raise UnsupportedOrder(f"LS takes no {order.order_type} order with {order.time_in_force} at {order.exchange}")
        block = messages.NewOrderBlock(
            IsuNo=_issue_number(order.symbol),
            OrdQty=order.quantity,
            OrdPrc=order.limit_price or 0,
            BnsTpCode=codes.SIDE_CODES[order.side],
            OrdprcPtnCode=codes.PRICE_TYPES[order.order_type],
            OrdCndiTpCode=codes.CONDITIONS[order.time_in_force],
            MbrNo=codes.VENUES[order.exchange],
        )
        return await self._send(Tr.PLACE, block, deadline)

    async def replace(self, order: LiveOrder, *, limit_price: int, quantity: int | None = None, deadline: float) -> Acknowledgement:
        """Change the price of ``quantity`` shares, or of all that is open (CSPAT00701); the rest stays under the old number."""
        if order.order_type not in codes.REPLACEABLE:
            raise UnsupportedOrder(f"LS changes no price of a {order.order_type} order")

        async def send(shares: int, seconds: float) -> Acknowledgement:
            block = messages.ReplaceBlock(
                OrgOrdNo=int(order.order_number),
                IsuNo=_issue_number(order.symbol),
                OrdQty=shares,
                OrdprcPtnCode=codes.PRICE_TYPES[order.order_type],
                OrdCndiTpCode=codes.CONDITIONS[order.time_in_force],
                OrdPrc=limit_price,
            )
            return await self._send(Tr.REPLACE, block, seconds)

        if quantity is not None:
            return await send(quantity, deadline)
        return await self._send_for_all_open(order, send, deadline)

    async def cancel(self, order: LiveOrder, *, quantity: int | None, deadline: float) -> Acknowledgement:
        """Cancel ``quantity`` shares, or all that is open (CSPAT00801)."""

        async def send(shares: int, seconds: float) -> Acknowledgement:
            block = messages.CancelBlock(OrgOrdNo=int(order.order_number), IsuNo=_issue_number(order.symbol), OrdQty=shares)
            return await self._send(Tr.CANCEL, block, seconds)

        if quantity is not None:
            return await send(quantity, deadline)
        return await self._send_for_all_open(order, send, deadline)

    async def list_orders(self, trading_day: date) -> list[BrokerOrder]:
        """All of today's orders (t0425), every page, oldest first, with exact amounts as far as LS tells them; see `day_orders`.

        Raises:
            ValueError: ``trading_day`` is not today (KST): t0425 knows no other.
        """
        today = kst_day(self._clock.now())
        if trading_day != today:
            raise ValueError(f"LS lists the orders of today ({today}) only, not of {trading_day}")
        return await self._day_orders.list_orders(today)

    async def get_balance(self) -> Balance:
        """Money of the account (CSPAQ12200), and the value of its holdings (t0424)."""
        held = await self.list_positions()
        return parse.balance(await self._rest.inquire(Tr.DEPOSIT, messages.DepositBlock()), held)

    async def list_positions(self) -> list[Position]:
        """Holdings (t0424), every page; see `parse.positions`."""
        return parse.positions(await self._holdings())

    async def get_buying_power(self, symbol: str, limit_price: int | None) -> BuyingPower:
        """What may be bought in cash (CSPBQ00200). A market order is reckoned at the day's upper limit, as LS reserves it."""
        price = limit_price if limit_price is not None else (await self.get_quote(symbol)).upper_limit_price
        block = messages.BuyableBlock(BnsTpCode=codes.SIDE_CODES[Side.BUY], IsuNo=_issue_number(symbol), OrdPrc=price)
        return parse.buying_power(await self._rest.inquire(Tr.BUYING_POWER, block))

    async def get_quote(self, symbol: str) -> Quote:
        """Current KRX price (t1102)."""
        return await self._market.quote(symbol)

    async def get_sellable_quantity(self, symbol: str) -> int:
        """What a cash order may sell (t0424 ``mdposqt``)."""
        return parse.sellable_quantity(await self._holdings(), symbol)

    async def get_order_book(self, symbol: str) -> OrderBook:
        """KRX book, ten steps a side (t1101)."""
        return await self._market.order_book(symbol)

    async def list_candles(self, symbol: str, interval: CandleInterval, *, first: date, last: date) -> list[Candle]:
        """Bars, oldest first (t8410, t8412). LS tells turnovers in millions of won."""
        return await self._market.candles(symbol, interval, first, last)

    async def list_ranking(self, kind: RankingKind) -> list[RankedInstrument]:
        """20 to 40 rows of KRX (t1452, t1463, t1441)."""
        if kind not in self.capabilities.rankings:
            raise BrokerUnsupported(LS, f"a ranking by {kind}")
        return await self._market.ranking(kind)

    async def list_financial_ratios(self, symbol: str, *, is_quarterly: bool) -> list[FinancialRatio]:
        """Not at LS."""
        raise BrokerUnsupported(LS, "financial ratios")

    async def list_investment_opinions(self, symbol: str, *, first: date, last: date) -> list[InvestmentOpinion]:
        """Not at LS."""
        raise BrokerUnsupported(LS, "investment opinions")

    async def list_trading_days(self, first: date) -> list[TradingDay]:
        """Not at LS."""
        raise BrokerUnsupported(LS, "the trading calendar")

    async def list_instruments(self) -> list[InstrumentRecord]:
        """All stocks, ETFs and ETNs of KOSPI and KOSDAQ (t8436, t9945)."""
        return await self._market.instruments()

    async def get_instrument_detail(self, symbol: str) -> InstrumentDetail:
        """Not at LS."""
        raise BrokerUnsupported(LS, "instrument details")

    @property
    def research(self) -> NoResearch:
        """Nothing of it."""
        return NoResearch(LS)

    async def open_execution_stream(self) -> LsStream:
        """Connect and register for the account's events."""
        return await open_stream(self._credentials, self._urls.websocket_url, self._rest, self._clock)

    def parse_notices(self, frame: str) -> list[Notice]:
        """Read one stored frame."""
        return parse_notices(frame, kst_day(self._clock.now()))

    async def ensure_token(self, *, valid_for_seconds: float) -> None:
        """Make sure that the shared access token lives this long. All of LS's end at 07:00 KST, and a new one may kill the old."""
        await self._rest.token(valid_for_seconds=valid_for_seconds)

    async def revoke_token(self) -> None:
        """Have LS forget the shared access token."""
        await self._rest.revoke_token()

    async def aclose(self) -> None:
        """Nothing to release: the HTTP client is shared."""

    async def _send(self, tr: Tr, block: msgspec.Struct, deadline: float) -> Acknowledgement:
        answer = await self._rest.send_order(tr, block, deadline=deadline)
        taken = parse.acknowledgement(answer, kst_day(self._clock.now()))
        log.info(
            "ls_order_taken",
            broker=LS,
            tr_id=tr.value,
            account_id=self._credentials.account_id,
            order_number=taken.order_number,
            code=taken.code,
        )
        return taken

    async def _send_for_all_open(
        self, order: LiveOrder, send: Callable[[int, float], Awaitable[Acknowledgement]], deadline: float
    ) -> Acknowledgement:
        """Send for all that is open.

        LS has no word for "all": a number goes along, and when a fill that Lucy has not seen yet made it too large LS refuses and does
        nothing. Then the number is read from LS, and the request is sent again, once: an order must not stay open for that.
        """
        give_up_at = self._clock.monotonic() + deadline
        try:
            return await send(order.leaves_quantity, deadline)
        except BrokerRejected as refusal:
            if refusal.code not in codes.QUANTITY_TOO_LARGE:
                raise
            open_now = await self._open_quantity(order, refusal)
            remaining = give_up_at - self._clock.monotonic()
            if remaining <= 0 or not 0 < open_now < order.leaves_quantity:
                raise
            return await send(open_now, remaining)

    async def _open_quantity(self, order: LiveOrder, refusal: BrokerRejected) -> int:
        try:
            rows = await self._day_orders.rows()
        except BrokerError as error:
            log.warning("ls_open_quantity_unread", broker=LS, account_id=self._credentials.account_id, problem=str(error))
            raise refusal from error  # the refusal stands: nothing was done
        return parse.open_quantity(rows, order.order_number)

    async def _holdings(self) -> list[messages.HoldingRow]:
        """Every page of t0424. A walk that does not come to an end is an error, never a cut list."""
        rows: dict[tuple[str, str, str], messages.HoldingRow] = {}
        cursor = next_key = ""
        for number in range(MAX_PAGES):
            answer = await self._rest.inquire(
                Tr.HOLDINGS, messages.HoldingsBlock(cts_expcode=cursor), is_next_page=number > 0, next_key=next_key
            )
            page = parse.holdings_page(answer)
            known = len(rows)
            rows.update({(row.expcode, row.jangb, row.loandt): row for row in page.rows})
            if not answer.has_more or (len(rows) == known and not page.cursor):
                return list(rows.values())
            if len(rows) == known:
                break
            cursor, next_key = page.cursor, answer.next_key
        raise BrokerProtocolError(LS, Tr.HOLDINGS, "cts_expcode", f"the cursor does not end ({len(rows)} rows)")


def _issue_number(symbol: str) -> str:
    return f"A{symbol}"
