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

from api.brokers.base import (
    Acknowledgement,
    Balance,
    BrokerError,
    BrokerOrder,
    BrokerProtocolError,
    BrokerRejected,
    BuyingPower,
    Capabilities,
    Credentials,
    LiveOrder,
    NewOrder,
    Notice,
    Position,
)
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.ls import codes, messages, parse
from api.brokers.ls.codes import LS, Tr
from api.brokers.ls.limits import MAX_PAGES
from api.brokers.ls.notices import parse_notices
from api.brokers.ls.rest import LsRest
from api.brokers.ls.stream import LsStream, open_stream
from api.brokers.market_data import InstrumentRecord, Quote
from api.brokers.tokens import TokenStore
from api.domain.enums import Broker, Environment, Side
from api.errors import UnsupportedOrder
from api.kit.call_scheduler import CallScheduler
from api.kit.clock import Clock, kst_day

log = structlog.get_logger()

_ALL_MARKETS = "0"
_EACH_MARKET = ("1", "2")


@cache
def capabilities_of(environment: Environment) -> Capabilities:
    """What LS takes in an environment; see `codes.ORDER_KINDS`."""
    return Capabilities(order_kinds=codes.ORDER_KINDS[environment], replaceable_order_types=codes.REPLACEABLE, can_increase_quantity=False)


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

    async def replace(self, order: LiveOrder, *, limit_price: int, deadline: float) -> Acknowledgement:
        """Change the price of all that is open (CSPAT00701)."""
        if order.order_type not in codes.REPLACEABLE:
            raise UnsupportedOrder(f"LS changes no price of a {order.order_type} order")

        async def send(quantity: int, seconds: float) -> Acknowledgement:
            block = messages.ReplaceBlock(
                OrgOrdNo=int(order.order_number),
                IsuNo=_issue_number(order.symbol),
                OrdQty=quantity,
                OrdprcPtnCode=codes.PRICE_TYPES[order.order_type],
                OrdCndiTpCode=codes.CONDITIONS[order.time_in_force],
                OrdPrc=limit_price,
            )
            return await self._send(Tr.REPLACE, block, seconds)

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
        """All of today's orders (t0425), every page, oldest first.

        Amounts are quantity x whole-won average price; see `parse.broker_orders`.

        Raises:
            ValueError: ``trading_day`` is not today (KST): t0425 knows no other.
        """
        today = kst_day(self._clock.now())
        if trading_day != today:
            raise ValueError(f"LS lists the orders of today ({today}) only, not of {trading_day}")
        return parse.broker_orders(await self._order_rows(), today)

    async def get_balance(self) -> Balance:
        """Money of the account (CSPAQ12200), and the value of its holdings (t0424)."""
        held = await self.list_positions()
        return parse.balance(await self._rest.inquire(Tr.DEPOSIT, messages.DepositBlock()), held)

    async def list_positions(self) -> list[Position]:
        """Holdings (t0424), every page; see `parse.positions`."""
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
                return parse.positions(rows.values())
            if len(rows) == known:
                break
            cursor, next_key = page.cursor, answer.next_key
        raise BrokerProtocolError(LS, Tr.HOLDINGS, "cts_expcode", f"the cursor does not end ({len(rows)} rows)")

    async def get_buying_power(self, symbol: str, limit_price: int | None) -> BuyingPower:
        """What may be bought in cash (CSPBQ00200). A market order is reckoned at the day's upper limit, as LS reserves it."""
        price = limit_price if limit_price is not None else (await self.get_quote(symbol)).upper_limit_price
        block = messages.BuyableBlock(BnsTpCode=codes.SIDE_CODES[Side.BUY], IsuNo=_issue_number(symbol), OrdPrc=price)
        return parse.buying_power(await self._rest.inquire(Tr.BUYING_POWER, block))

    async def get_quote(self, symbol: str) -> Quote:
        """Current KRX price (t1102)."""
        return parse.quote(await self._rest.inquire(Tr.PRICE, messages.PriceBlock(shcode=symbol)), symbol)

    async def list_instruments(self) -> list[InstrumentRecord]:
        """All stocks, ETFs and ETNs of KOSPI and KOSDAQ (t8436), with the uncut names of t9945."""
        names: dict[str, str] = {}
        for market in _EACH_MARKET:
            names |= parse.instrument_names(await self._rest.inquire(Tr.INSTRUMENT_NAMES, messages.MarketBlock(gubun=market)))
        return parse.instruments(await self._rest.inquire(Tr.INSTRUMENTS, messages.MarketBlock(gubun=_ALL_MARKETS)), names)

    async def open_execution_stream(self) -> LsStream:
        """Connect and register for the account's events."""
        return await open_stream(self._credentials, self._urls.websocket_url, self._rest, self._clock)

    def parse_notices(self, frame: str) -> list[Notice]:
        """Read one stored frame."""
        return parse_notices(frame, kst_day(self._clock.now()))

    async def ensure_token(self, *, valid_for_seconds: float) -> None:
        """Make sure that the shared access token lives this long. All of LS's end at 07:00 KST, and a new one may kill the old."""
        await self._rest.token(valid_for_seconds=valid_for_seconds)

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
            rows = await self._order_rows()
        except BrokerError as error:
            log.warning("ls_open_quantity_unread", broker=LS, account_id=self._credentials.account_id, problem=str(error))
            raise refusal from error  # the refusal stands: nothing was done
        return parse.open_quantity(rows, order.order_number)

    async def _order_rows(self) -> list[messages.OrderRow]:
        """Every page of t0425. A walk that does not come to an end is an error, never a cut list."""
        rows: dict[str, messages.OrderRow] = {}
        cursor = next_key = ""
        for number in range(MAX_PAGES):
            answer = await self._rest.inquire(Tr.ORDERS, messages.OrdersBlock(cts_ordno=cursor), is_next_page=number > 0, next_key=next_key)
            page = parse.orders_page(answer, is_first=number == 0)
            known = len(rows)
            rows.update({str(row.ordno): row for row in page.rows})
            # no cursor although the header says "more": what comes next shows whether there is any
            if not answer.has_more or (len(rows) == known and not page.cursor):
                return list(rows.values())
            if len(rows) == known:
                break
            cursor, next_key = page.cursor, answer.next_key
        raise BrokerProtocolError(LS, Tr.ORDERS, "cts_ordno", f"the cursor does not end ({len(rows)} rows)")


def _issue_number(symbol: str) -> str:
    return f"A{symbol}"
