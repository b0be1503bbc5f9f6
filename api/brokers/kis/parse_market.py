"""KIS's answers to market inquiries → Lucy's words. Pure; a missing or unparsable field is a `BrokerProtocolError`, never a guess."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.codes import AUCTION_EXPECTED, NOTHING_FOUND
from api.brokers.kis.envelope import KIS, Envelope
from api.brokers.kis.market_messages import (
    BookTimes,
    CalendarDay,
    ChangeRanked,
    ExpectedMatch,
    LongBar,
    MinuteBar,
    Opinion,
    Ratio,
    Sellable,
    StockInfo,
    VolumeRanked,
)
from api.brokers.kis.parse import day, instant, row_of, rows_of, symbol, whole
from api.brokers.market_data import (
    BookLevel,
    Candle,
    FinancialRatio,
    InstrumentDetail,
    InvestmentOpinion,
    OrderBook,
    RankedInstrument,
    TradingDay,
)
from api.domain.enums import CandleInterval
from api.kit.clock import KST, kst_day

_Row = TypeVar("_Row", bound=Struct)
_STEPS = 10
FALLING = frozenset({"4", "5"})
"""``prdy_vrss_sign``: 하한, 하락."""

_PERIOD_LENGTH = 6
_KOSDAQ = "03"
_CLOCK_SLACK = timedelta(minutes=1)


def first_day_of(interval: CandleInterval, within: date) -> date:
    """The first calendar day of the bar that holds a day: itself, the Monday, the first of the month or of the year."""
    match interval:
        case CandleInterval.WEEK:
            return within - timedelta(days=within.weekday())
        case CandleInterval.MONTH:
            return within.replace(day=1)
        case CandleInterval.YEAR:
            return within.replace(month=1, day=1)
        case _:
            return within


def parse_order_book(envelope: Envelope, asked_symbol: str, now: datetime) -> OrderBook:
    """Read ``inquire-asking-price-exp-ccn``.

    KIS tells the time of day only: one that is still to come is yesterday's. The expected price is read only while an auction is on,
    since KIS leaves the last auction's in the answer.
    """
    tr = envelope.tr
    source = envelope.members.get("output1")
    times = row_of(tr, source, BookTimes, "output1")
    expected = row_of(tr, envelope.members.get("output2"), ExpectedMatch, "output2")
    at = instant(tr, "aspr_acpt_hour", kst_day(now), times.aspr_acpt_hour)
    price = whole(tr, "antc_cnpr", expected.antc_cnpr, blank=0)
    is_auction = expected.antc_mkop_cls_code.strip() in AUCTION_EXPECTED and price > 0
    return OrderBook(
        symbol=asked_symbol,
        asks=_levels(tr, source, "askp"),
        bids=_levels(tr, source, "bidp"),
        total_ask_quantity=whole(tr, "total_askp_rsqn", times.total_askp_rsqn),
        total_bid_quantity=whole(tr, "total_bidp_rsqn", times.total_bidp_rsqn),
        expected_price=price if is_auction else None,
        expected_quantity=whole(tr, "antc_vol", expected.antc_vol, blank=0) if is_auction else None,
        at=at if at <= now + _CLOCK_SLACK else at - timedelta(days=1),
    )


def _levels(tr: str, source: object, side: str) -> tuple[BookLevel, ...]:
    fields: Mapping[str, Any] = {str(name).lower(): value for name, value in source.items()} if isinstance(source, dict) else {}
    levels = []
    for step in range(1, _STEPS + 1):
        price, quantity = (_number(tr, fields, name) for name in (f"{side}{step}", f"{side}_rsqn{step}"))
        if price > 0:
            levels.append(BookLevel(price, quantity))
    return tuple(levels)


def _number(tr: str, fields: Mapping[str, Any], name: str) -> int:
    if name not in fields:
        raise BrokerProtocolError(KIS, tr, name, "missing")
    return whole(tr, name, str(fields[name]), blank=0)


def parse_long_bars(envelope: Envelope, interval: CandleInterval) -> list[Candle]:
    """Read one page of ``inquire-daily-itemchartprice``, as ordered by KIS (newest first). Rows without a day are padding.

    Whether KIS dates a longer bar by its first or its last trading day is unsure, so its calendar begin is taken.
    """
    tr = envelope.tr
    bars = []
    for row in filled(tr, envelope.members.get("output2"), LongBar, "stck_bsop_date"):
        begin = first_day_of(interval, day(tr, "stck_bsop_date", row.stck_bsop_date))
        bars.append(
            Candle(
                opened_at=datetime.combine(begin, time(0, 0), KST).astimezone(UTC),
                open_price=whole(tr, "stck_oprc", row.stck_oprc),
                high_price=whole(tr, "stck_hgpr", row.stck_hgpr),
                low_price=whole(tr, "stck_lwpr", row.stck_lwpr),
                close_price=whole(tr, "stck_clpr", row.stck_clpr),
                volume=whole(tr, "acml_vol", row.acml_vol),
                turnover_amount=whole(tr, "acml_tr_pbmn", row.acml_tr_pbmn),
            )
        )
    return bars


def parse_minute_bars(envelope: Envelope) -> list[Candle]:
    """Read one page of a minute chart, as ordered by KIS (newest first).

    Until a minute's first trade its row carries the volume of the minute before (official sample): the running minute is provisional.
    """
    tr = envelope.tr
    return [
        Candle(
            opened_at=instant(tr, "stck_cntg_hour", day(tr, "stck_bsop_date", row.stck_bsop_date), row.stck_cntg_hour).replace(second=0),
            open_price=whole(tr, "stck_oprc", row.stck_oprc),
            high_price=whole(tr, "stck_hgpr", row.stck_hgpr),
            low_price=whole(tr, "stck_lwpr", row.stck_lwpr),
            close_price=whole(tr, "stck_prpr", row.stck_prpr),
            volume=whole(tr, "cntg_vol", row.cntg_vol),
            turnover_amount=None,
        )
        for row in filled(tr, envelope.members.get("output2"), MinuteBar, "stck_bsop_date")
    ]


def parse_volume_rank(envelope: Envelope) -> list[RankedInstrument]:
    """Read ``volume-rank``."""
    tr = envelope.tr
    return [
        RankedInstrument(
            rank=whole(tr, "data_rank", row.data_rank),
            symbol=symbol(tr, "mksc_shrn_iscd", row.mksc_shrn_iscd),
            name=row.hts_kor_isnm.strip(),
            price=whole(tr, "stck_prpr", row.stck_prpr),
            change=signed(tr, row.prdy_vrss, row.prdy_vrss_sign),
            change_rate=row.prdy_ctrt.strip(),
            volume=whole(tr, "acml_vol", row.acml_vol),
            turnover_amount=whole(tr, "acml_tr_pbmn", row.acml_tr_pbmn),
            volume_growth=row.vol_inrt.strip() or None,
        )
        for row in filled(tr, output_of(envelope), VolumeRanked, "mksc_shrn_iscd")
    ]


def parse_fluctuation(envelope: Envelope) -> list[RankedInstrument]:
    """Read ``fluctuation``."""
    tr = envelope.tr
    return [
        RankedInstrument(
            rank=whole(tr, "data_rank", row.data_rank),
            symbol=symbol(tr, "stck_shrn_iscd", row.stck_shrn_iscd),
            name=row.hts_kor_isnm.strip(),
            price=whole(tr, "stck_prpr", row.stck_prpr),
            change=signed(tr, row.prdy_vrss, row.prdy_vrss_sign),
            change_rate=row.prdy_ctrt.strip(),
            volume=whole(tr, "acml_vol", row.acml_vol),
            turnover_amount=None,
        )
        for row in filled(tr, output_of(envelope), ChangeRanked, "stck_shrn_iscd")
    ]


def signed(tr: str, text: str, sign: str) -> int:
    """A change in won with its sign, out of the figure and ``prdy_vrss_sign``."""
    # signed already as far as seen; where it is not, the sign code tells, and applying it twice must not turn a loss into a gain
    change = whole(tr, "prdy_vrss", text)
    return -abs(change) if sign.strip() in FALLING else change


def parse_financial_ratios(envelope: Envelope) -> list[FinancialRatio]:
    """Read ``financial-ratio``, newest period first."""
    tr = envelope.tr
    ratios = []
    for row in filled(tr, output_of(envelope), Ratio, "stac_yymm"):
        period = row.stac_yymm.strip()
        if len(period) != _PERIOD_LENGTH or not period.isdecimal():
            raise BrokerProtocolError(KIS, tr, "stac_yymm", f"not a month: {row.stac_yymm!r}")
        ratios.append(
            FinancialRatio(
                period=period,
                revenue_growth=row.grs.strip(),
                operating_profit_growth=row.bsop_prfi_inrt.strip(),
                net_profit_growth=row.ntin_inrt.strip(),
                roe=row.roe_val.strip(),
                debt_ratio=row.lblt_rate.strip(),
                reserve_ratio=row.rsrv_rate.strip(),
                eps=row.eps.strip(),
                bps=row.bps.strip(),
                sps=row.sps.strip(),
            )
        )
    return sorted(ratios, key=lambda ratio: ratio.period, reverse=True)


def parse_opinions(envelope: Envelope) -> list[InvestmentOpinion]:
    """Read one page of ``invest-opinion``."""
    tr = envelope.tr
    return [
        InvestmentOpinion(
            published_on=day(tr, "stck_bsop_date", row.stck_bsop_date),
            firm=row.mbcr_name.strip(),
            opinion=row.invt_opnn.strip(),
            previous_opinion=row.rgbf_invt_opnn.strip(),
            target_price=whole(tr, "hts_goal_prc", row.hts_goal_prc, blank=0) or None,
        )
        for row in filled(tr, output_of(envelope), Opinion, "stck_bsop_date")
    ]


def parse_trading_days(envelope: Envelope) -> list[TradingDay]:
    """Read one page of ``chk-holiday``."""
    tr = envelope.tr
    return [
        TradingDay(
            day=day(tr, "bass_dt", row.bass_dt),
            is_open=_is_yes(tr, "opnd_yn", row.opnd_yn),
            is_settlement_day=_is_yes(tr, "sttl_day_yn", row.sttl_day_yn),
        )
        for row in filled(tr, output_of(envelope), CalendarDay, "bass_dt")
    ]


def parse_sellable(envelope: Envelope) -> int:
    """Read ``inquire-psbl-sell``; the sheet names its output ``output1``, the official sample reads ``output``."""
    tr = envelope.tr
    output = envelope.members.get("output1") or envelope.members.get("output")
    if isinstance(output, list) and len(output) == 1:
        output = output[0]
    if not output and envelope.code == NOTHING_FOUND:
        return 0
    return whole(tr, "ord_psbl_qty", row_of(tr, output, Sellable, "output1").ord_psbl_qty, blank=0)


def parse_instrument_detail(envelope: Envelope, asked_symbol: str) -> InstrumentDetail:
    """Read ``search-stock-info``. At NXT it is tradable when it is listed there and not halted there."""
    tr = envelope.tr
    row = row_of(tr, envelope.members.get("output"), StockInfo)
    listed = (row.scts_mket_lstg_dt, row.kosdaq_mket_lstg_dt)
    listed_text = next((text.strip() for text in (listed[::-1] if row.excg_dvsn_cd.strip() == _KOSDAQ else listed) if text.strip()), "")
    nxt = row.cptt_trad_tr_psbl_yn.strip()
    return InstrumentDetail(
        symbol=asked_symbol,
        isin=row.std_pdno.strip(),
        name=row.prdt_abrv_name.strip() or row.prdt_name.strip(),
        english_name=row.prdt_eng_name.strip(),
        listed_shares=whole(tr, "lstg_stqt", row.lstg_stqt) if row.lstg_stqt.strip() else None,
        par_value=whole(tr, "papr", row.papr) if row.papr.strip() else None,
        listed_on=day(tr, "lstg_dt", listed_text) if listed_text else None,
        is_halted=_is_yes(tr, "tr_stop_yn", row.tr_stop_yn),
        is_administrative=_is_yes(tr, "admn_item_yn", row.admn_item_yn),
        is_nxt_tradable=(_is_yes(tr, "cptt_trad_tr_psbl_yn", nxt) and row.nxt_tr_stop_yn.strip() != "Y") if nxt else None,
    )


def _is_yes(tr: str, field: str, text: str) -> bool:
    answer = text.strip()
    if answer not in ("Y", "N"):
        raise BrokerProtocolError(KIS, tr, field, f"neither Y nor N: {text!r}")
    return answer == "Y"


def output_of(envelope: Envelope) -> object:
    """``output`` as a list: nothing found is an empty one, and a single row may come without its brackets."""
    output = envelope.members.get("output")
    if output is None and envelope.code == NOTHING_FOUND:
        return []
    return [output] if isinstance(output, dict) else output


def filled(tr: str, value: object, form: type[_Row], key: str) -> Sequence[_Row]:
    """The rows that hold something: KIS pads some lists with empty objects, or with objects of empty texts."""
    rows = rows_of(tr, "output", value)
    return [row_of(tr, row, form) for row in rows if any(str(entry).strip() for entry in row.values()) and _text(row, key) != ""]


def _text(row: Mapping[str, Any], key: str) -> str:
    for name, entry in row.items():
        if str(name).lower() == key:
            return "" if entry is None else str(entry).strip()
    return "missing"  # told by row_of
