"""KIS behind Lucy's port.

Prices of types that take none are sent as ``0``, also for 장전 시간외 (05), where one source wants the previous close instead.
Stocks and ETFs go by their six characters. ETNs, which KIS wants with a ``Q`` in front, are told apart by nothing in `NewOrder`, so they
are sent as they come.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import ClassVar

import httpx
import structlog

from api.brokers.base import (
    Acknowledgement,
    Balance,
    BrokerOrder,
    BuyingPower,
    CallClass,
    Credentials,
    LiveOrder,
    NewOrder,
    Notice,
    Position,
)
from api.brokers.capabilities import Capabilities, Inquiry
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.errors import BrokerProtocolError, BrokerUnsupported
from api.brokers.kis.codes import ORDER_DIVISIONS, PAPER_DIVISIONS, PLACE_TR, REPLACEABLE, TRADING, Tr
from api.brokers.kis.envelope import KIS, Envelope
from api.brokers.kis.files import MasterFiles
from api.brokers.kis.market import KisMarket
from api.brokers.kis.messages import OrderCash, OrderChange
from api.brokers.kis.notices import parse_frame
from api.brokers.kis.parse import (
    parse_acknowledgement,
    parse_balance,
    parse_buying_power,
    parse_daily_orders,
    parse_ordered_total,
    parse_positions,
)
from api.brokers.kis.parse_market import parse_sellable
from api.brokers.kis.rankings import KisRankings
from api.brokers.kis.research import KisResearch
from api.brokers.kis.rest import KisRest
from api.brokers.kis.stream import KisStream, open_stream
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
from api.brokers.tokens import TokenStore
from api.domain.enums import Broker, CandleInterval, Environment, Exchange, RankingKind
from api.errors import UnsupportedOrder
from api.kit.call_scheduler import CallScheduler
from api.kit.clock import Clock, kst_day

log = structlog.get_logger()

_ACCOUNT_DIGITS = 8
_MOST_PAGES = 1000
_ORDER_NUMBER_WIDTH = 10
_PAPER_INQUIRIES = frozenset({Inquiry.ORDER_BOOK, Inquiry.INSTRUMENTS, Inquiry.INVESTORS})
"""The table of the official README: paper has the charts and the book; the master files need no account at all."""
_NEAR_MONTHS = 3  # the near list is kept by months: on 25 April it reaches back to January


@cache
def capabilities_of(environment: Environment) -> Capabilities:
    """What KIS takes and answers in an environment; see `codes.ORDER_DIVISIONS`."""
    is_paper = environment is Environment.PAPER
    return Capabilities(
        order_kinds=frozenset(
            (order_type, time_in_force, exchange)
            for (order_type, time_in_force), (code, exchanges) in ORDER_DIVISIONS.items()
            for exchange in (exchanges & {Exchange.KRX} if is_paper else exchanges)
            if not is_paper or code in PAPER_DIVISIONS
        ),
        replaceable_order_types=REPLACEABLE,
        can_increase_quantity=False,
        inquiries=_PAPER_INQUIRIES if is_paper else frozenset(Inquiry),
        candle_intervals=frozenset(CandleInterval),
        rankings=frozenset() if is_paper else frozenset(RankingKind),
        has_quote_feed=True,
    )


class KisAdapter:
    """One account at KIS; implements `api.brokers.base.BrokerAdapter`.

    Args:
        credentials: ``account_number`` has 8 + 2 digits.
        http: Pooled client, shared.
        urls: Of the account's environment.
        tokens: Shared token store.
        scheduler: Shared call scheduler.
        clock: Current time.
    """

    broker: ClassVar[Broker] = Broker.KIS

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
        self._rest = KisRest(credentials, http, urls, tokens, scheduler, clock)
        self._market = KisMarket(self._rest, clock)
        self._rankings = KisRankings(self._rest, clock)
        self._files = MasterFiles(http, urls.master_url)
        self._research = KisResearch(self._rest, self._files, credentials, self.capabilities)
        self._cano = credentials.account_number[:_ACCOUNT_DIGITS]
        self._product = credentials.account_number[_ACCOUNT_DIGITS:]

    @property
    def capabilities(self) -> Capabilities:
        """What KIS takes in this environment."""
        return capabilities_of(self._credentials.environment)

    @property
    def research(self) -> KisResearch:
        """Statements, investors, opinions by firm, and the customer's HTS lists."""
        return self._research

    async def place(self, order: NewOrder, *, deadline: float) -> Acknowledgement:
        """Send one new order (``order-cash``)."""
        body = OrderCash(
            cano=self._cano,
            acnt_prdt_cd=self._product,
            pdno=order.symbol,
            ord_dvsn=_division(order),
            ord_qty=str(order.quantity),
            ord_unpr=_price_text(order.limit_price),
            excg_id_dvsn_cd=order.exchange.value,
        )
        envelope = await self._rest.send_order(
            PLACE_TR[order.side], f"{TRADING}/order-cash", body, call_class=CallClass.ORDER, deadline=deadline
        )
        return self._acknowledged(envelope)

    async def replace(self, order: LiveOrder, *, limit_price: int, quantity: int | None = None, deadline: float) -> Acknowledgement:
        """Change the price of ``quantity`` shares or of all that is open (``order-rvsecncl`` 01); the rest stays under the old number."""
        if order.order_type not in REPLACEABLE:
            raise UnsupportedOrder(f"KIS changes no price of a {order.order_type} order")
        body = self._change(order, "01", quantity=quantity, price=limit_price, division=_division(order))
        envelope = await self._rest.send_order(Tr.CHANGE, f"{TRADING}/order-rvsecncl", body, call_class=CallClass.ORDER, deadline=deadline)
        return self._acknowledged(envelope)

    async def cancel(self, order: LiveOrder, *, quantity: int | None, deadline: float) -> Acknowledgement:
        """Cancel ``quantity`` shares or all that is open (``order-rvsecncl`` 02; clients send division 00 with it)."""
        body = self._change(order, "02", quantity=quantity, price=None, division="00")
        envelope = await self._rest.send_order(Tr.CHANGE, f"{TRADING}/order-rvsecncl", body, call_class=CallClass.CANCEL, deadline=deadline)
        return self._acknowledged(envelope)

    async def list_orders(self, trading_day: date) -> list[BrokerOrder]:
        """All of a KST day's orders (``inquire-daily-ccld``), oldest first, so that new ones do not shift the pages being read.

        A fresh order may be missing for a moment: absence is no rejection.
        """
        today = kst_day(self._clock.now())
        months = (today.year - trading_day.year) * 12 + today.month - trading_day.month
        tr = Tr.DAILY_ORDERS if months <= _NEAR_MONTHS else Tr.OLD_DAILY_ORDERS
        day_text = trading_day.strftime("%Y%m%d")
        params = self._account_params() | {
            "INQR_STRT_DT": day_text,
            "INQR_END_DT": day_text,
            "SLL_BUY_DVSN_CD": "00",
            "PDNO": "",
            "CCLD_DVSN": "00",
            "INQR_DVSN": "01",
            "INQR_DVSN_3": "00",
            "ORD_GNO_BRNO": "",
            "ODNO": "",
            "INQR_DVSN_1": "",
            "EXCG_ID_DVSN_CD": "KRX" if self._credentials.environment is Environment.PAPER else "ALL",
        }
        orders: dict[tuple[str, str], BrokerOrder] = {}
        pages = await self._pages(tr, f"{TRADING}/inquire-daily-ccld", params, CallClass.RECONCILE)
        for page in pages:
            for order in parse_daily_orders(page):
                orders[order.branch, order.order_number] = order  # a row read twice: the later reading counts
        if not orders and any(parse_ordered_total(page) for page in pages):
            # seen in paper with the older TR id (2026-08)
            raise BrokerProtocolError(KIS, tr.value, "output1", "an empty list with orders in its total")
        for order in orders.values():
            if order.order_type is None:  # a stop-limit from the HTS, a block trade: Lucy has no such type
                log.warning("kis_unknown_order_type", order_number=order.order_number, code=order.order_type_code)
        return list(orders.values())

    async def get_balance(self) -> Balance:
        """Money of the account (``inquire-balance``, and ``inquire-psbl-order`` for what may be spent)."""
        page = await self._rest.inquire(Tr.BALANCE, f"{TRADING}/inquire-balance", self._balance_params(), call_class=CallClass.INQUIRY)
        return parse_balance(page.envelope, await self._buyable("", None))

    async def list_positions(self) -> list[Position]:
        """Holdings (``inquire-balance``), every page."""
        pages = await self._pages(Tr.BALANCE, f"{TRADING}/inquire-balance", self._balance_params(), CallClass.INQUIRY)
        return [position for page in pages for position in parse_positions(page)]

    async def get_buying_power(self, symbol: str, limit_price: int | None) -> BuyingPower:
        """What may be bought without borrowing. Without a price KIS reckons with the upper limit (+30 %)."""
        return await self._buyable(symbol, limit_price)

    async def get_quote(self, symbol: str) -> Quote:
        """Current KRX price (``inquire-price``)."""
        return await self._market.quote(symbol)

    async def get_sellable_quantity(self, symbol: str) -> int:
        """Shares that may be sold now (``inquire-psbl-sell``); not in paper."""
        self._require(Inquiry.SELLABLE_QUANTITY in self.capabilities.inquiries, "the sellable quantity")
        params = self._account_params() | {"PDNO": symbol}
        page = await self._rest.inquire(Tr.SELLABLE, f"{TRADING}/inquire-psbl-sell", params, call_class=CallClass.INQUIRY)
        return parse_sellable(page.envelope)

    async def get_order_book(self, symbol: str) -> OrderBook:
        """KRX book, ten steps a side."""
        return await self._market.order_book(symbol)

    async def list_candles(self, symbol: str, interval: CandleInterval, *, first: date, last: date) -> list[Candle]:
        """Bars, oldest first. Minutes go back about a year, and cost four calls for each past day."""
        return await self._market.candles(symbol, interval, first, last)

    async def list_ranking(self, kind: RankingKind) -> list[RankedInstrument]:
        """About 30 rows of KRX; not in paper."""
        self._require(kind in self.capabilities.rankings, "a ranking")
        return await self._rankings.ranking(kind)

    async def list_financial_ratios(self, symbol: str, *, is_quarterly: bool) -> list[FinancialRatio]:
        """Ratios by year or quarter, newest first; not in paper."""
        self._require(Inquiry.FINANCIAL_RATIOS in self.capabilities.inquiries, "financial ratios")
        return await self._market.financial_ratios(symbol, is_quarterly=is_quarterly)

    async def list_investment_opinions(self, symbol: str, *, first: date, last: date) -> list[InvestmentOpinion]:
        """Analysts' opinions, newest first; not in paper."""
        self._require(Inquiry.INVESTMENT_OPINIONS in self.capabilities.inquiries, "investment opinions")
        return await self._market.opinions(symbol, first, last)

    async def list_trading_days(self, first: date) -> list[TradingDay]:
        """About 24 days from ``first`` on; not in paper. KIS asks for about one call a day."""
        self._require(Inquiry.TRADING_DAYS in self.capabilities.inquiries, "the trading calendar")
        return await self._market.trading_days(first)

    async def list_instruments(self) -> list[InstrumentRecord]:
        """KOSPI and KOSDAQ from the master files, without English names and price limits, which they do not hold."""
        return await self._files.instruments()

    async def get_instrument_detail(self, symbol: str) -> InstrumentDetail:
        """Names and listing (``search-stock-info``); not in paper."""
        self._require(Inquiry.INSTRUMENT_DETAIL in self.capabilities.inquiries, "instrument details")
        return await self._market.instrument_detail(symbol)

    async def open_execution_stream(self) -> KisStream:
        """Connect and subscribe to the notices of the account's HTS id; they may hold other accounts of the same customer."""
        return await open_stream(self._credentials, self._urls.websocket_url, self._rest, self._clock)

    def parse_notices(self, frame: str) -> list[Notice]:
        """Read one stored frame."""
        return parse_frame(frame, kst_day(self._clock.now()))

    async def ensure_token(self, *, valid_for_seconds: float) -> None:
        """Make sure that the shared access token lives this long. KIS gives out the running one again within six hours of its issue."""
        await self._rest.ensure_token(valid_for_seconds)

    async def revoke_token(self) -> None:
        """Have KIS forget the shared access token."""
        await self._rest.revoke_token()

    async def aclose(self) -> None:
        """Nothing to release: the HTTP client is shared."""

    def _require(self, is_offered: bool, what: str) -> None:
        if not is_offered:
            raise BrokerUnsupported(KIS, f"{what} ({self._credentials.environment})")

    def _acknowledged(self, envelope: Envelope) -> Acknowledgement:
        answer = parse_acknowledgement(envelope, kst_day(self._clock.now()))
        log.info(
            "kis_order_taken",
            tr_id=envelope.tr,
            account_id=self._credentials.account_id,
            order_number=answer.order_number,
            code=answer.code,
        )
        return answer

    def _change(self, order: LiveOrder, kind: str, *, quantity: int | None, price: int | None, division: str) -> OrderChange:
        return OrderChange(
            cano=self._cano,
            acnt_prdt_cd=self._product,
            krx_fwdg_ord_orgno=order.branch,
            orgn_odno=order.order_number.zfill(_ORDER_NUMBER_WIDTH),
            ord_dvsn=division,
            rvse_cncl_dvsn_cd=kind,
            ord_qty="0" if quantity is None else str(quantity),
            ord_unpr=_price_text(price),
            qty_all_ord_yn="Y" if quantity is None else "N",
            excg_id_dvsn_cd=order.exchange.value,
        )

    async def _buyable(self, symbol: str, limit_price: int | None) -> BuyingPower:
        params = self._account_params() | {
            "PDNO": symbol,
            "ORD_UNPR": "" if limit_price is None else str(limit_price),
            "ORD_DVSN": "01" if limit_price is None else "00",
            "CMA_EVLU_AMT_ICLD_YN": "N",
            "OVRS_ICLD_YN": "N",
        }
        page = await self._rest.inquire(Tr.BUYING_POWER, f"{TRADING}/inquire-psbl-order", params, call_class=CallClass.INQUIRY)
        return parse_buying_power(page.envelope)

    async def _pages(self, tr: Tr, path: str, params: Mapping[str, str], call_class: CallClass) -> list[Envelope]:
        pages: list[Envelope] = []
        cursor = {"CTX_AREA_FK100": "", "CTX_AREA_NK100": ""}
        seen: set[tuple[str, ...]] = set()
        while True:
            page = await self._rest.inquire(tr, path, {**params, **cursor}, call_class=call_class, is_next_page=bool(pages))
            pages.append(page.envelope)
            if not page.has_more:
                return pages
            cursor = {name: _context(page.envelope, name) for name in cursor}
            if tuple(cursor.values()) in seen or len(pages) >= _MOST_PAGES:
                # a cut list must never pass for a whole one
                raise BrokerProtocolError(KIS, tr.value, "CTX_AREA_NK100", f"the cursor does not end ({len(pages)} pages)")
            seen.add(tuple(cursor.values()))

    def _account_params(self) -> dict[str, str]:
        return {"CANO": self._cano, "ACNT_PRDT_CD": self._product}

    def _balance_params(self) -> dict[str, str]:
        return self._account_params() | {
            "AFHR_FLPR_YN": "N",
            "OFL_YN": "",
            "INQR_DVSN": "02",
            "UNPR_DVSN": "01",
            "FUND_STTL_ICLD_YN": "N",
            "FNCG_AMT_AUTO_RDPT_YN": "N",
            "PRCS_DVSN": "00",
            "CTX_AREA_FK100": "",
            "CTX_AREA_NK100": "",
        }


def _division(order: NewOrder | LiveOrder) -> str:
    found = ORDER_DIVISIONS.get((order.order_type, order.time_in_force))
    if found is None:
        raise UnsupportedOrder(f"KIS knows no {order.order_type} order with {order.time_in_force}")
    return found[0]


def _price_text(price: int | None) -> str:
    return "0" if price is None else str(price)


def _context(envelope: Envelope, name: str) -> str:
    return str(envelope.members.get(name.lower(), ""))
