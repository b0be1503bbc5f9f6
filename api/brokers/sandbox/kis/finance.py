"""Statements, net buying by investors and opinions by firm. All figures are made up from the symbol, the same ones each time; the firms
do not exist. Statements add up: assets are liabilities and equity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from aiohttp import web

from ..doors import Doors
from ..history import Period
from ..instruments import Instrument
from .fid import DONE, Fid, sign_of
from .more_rankings import net_quantity
from .products import FIRM, made_up, opinion_rows, periods_of
from .wire import Row, percent, reply

_NOTHING = "99.99"  # what KIS fills in for a figure that it does not give
_DAYS = 30
_CALENDAR_DAYS = 90  # hold more than thirty with trading
_HUNDRED_MILLION = 100_000_000
_MILLION = 1_000_000
_ROWS = 100
_CLASSES = {"0": "", "1": "2", "2": "3", "3": "4"}  # FID_DIV_CLS_CODE → invt_opnn_cls_code; all, buy, neutral, sell

RowOf = Callable[[Instrument, str], Row]

_FIRMS = (("00901", FIRM, "0"), ("00902", "모래상자증권", "0"), ("00903", "Sandbox Securities", "1"), ("99999", "전체", "0"))


def firms_file() -> bytes:
    """memcode.mst: five digits, a name, and whether the firm is foreign; cp949, not zipped."""
    return "".join(f"{number}{name:<40}{mark}\n" for number, name, mark in _FIRMS).encode("cp949")


def balance_sheet(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """balance-sheet, in 억원."""

    def row(instrument: Instrument, month: str) -> Row:
        assets = _size(instrument) * (0.8 + 0.4 * made_up(instrument, f"assets{month}"))
        debts = assets * (0.2 + 0.3 * made_up(instrument, f"debts{month}"))
        current, short = assets * 0.45, debts * 0.6
        return {
            "cras": _amount(current),
            "fxas": _amount(round(assets) - round(current)),
            "total_aset": _amount(assets),
            "flow_lblt": _amount(short),
            "fix_lblt": _amount(round(debts) - round(short)),
            "total_lblt": _amount(debts),
            "cpfn": str(round(assets / 500)),
            "cfp_surp": _NOTHING,
            "prfi_surp": _NOTHING,
            "total_cptl": _amount(round(assets) - round(debts)),
        }

    return _statement(doors, tr_id, request, row)


def income_statement(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """income-statement, in 억원; quarters are summed up from the year's begin, as KIS's are."""

    def row(instrument: Instrument, month: str) -> Row:
        quarters = int(month[4:]) // 3
        sales = _size(instrument) * quarters / 4 * (0.5 + 0.2 * made_up(instrument, f"sales{month[:4]}"))
        cost = sales * (0.55 + 0.2 * made_up(instrument, f"cost{month[:4]}"))
        profit = (sales - cost) * 0.4
        return {
            "sale_account": _amount(sales),
            "sale_cost": _amount(cost),
            "sale_totl_prfi": _amount(round(sales) - round(cost)),
            "depr_cost": _NOTHING,
            "sell_mang": _NOTHING,
            "bsop_prti": _amount(profit),
            "bsop_non_ernn": _NOTHING,
            "bsop_non_expn": _NOTHING,
            "op_prfi": _amount(profit * 1.05),
            "spec_prfi": "0.00",
            "spec_loss": "0.00",
            "thtr_ntin": _amount(profit * 0.8),
        }

    return _statement(doors, tr_id, request, row)


def profit_ratio(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """profit-ratio."""
    ranges = {"cptl_ntin_rate": (1, 12), "self_cptl_ntin_inrt": (2, 20), "sale_ntin_rate": (-5, 25), "sale_totl_rate": (10, 60)}
    return _ratios(doors, tr_id, request, ranges)


def other_ratios(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """other-major-ratios; the payout is one of the figures that KIS says to ignore."""
    return _ratios(doors, tr_id, request, {"payout_rate": (0, 0), "eva": (-500, 9_000), "ebitda": (100, 30_000), "ev_ebitda": (2, 20)})


def stability_ratio(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """stability-ratio."""
    return _ratios(doors, tr_id, request, {"lblt_rate": (10, 150), "bram_depn": (0, 40), "crnt_rate": (80, 300), "quck_rate": (50, 250)})


def growth_ratio(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """growth-ratio."""
    ranges = {"grs": (-20, 40), "bsop_prfi_inrt": (-50, 80), "equt_inrt": (-5, 25), "totl_aset_inrt": (-5, 20)}
    return _ratios(doors, tr_id, request, ranges)


def investors(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-investor: thirty days, newest first; today is counted after the close, so it has blanks."""
    instrument = Fid(request).instrument(doors)
    today = doors.history.today
    bars = doors.history.bars(instrument.symbol, Period.DAY, today - timedelta(days=_CALENDAR_DAYS), today)
    rows = []
    for before, bar in zip(bars[-_DAYS - 1 :], bars[-_DAYS:], strict=False):
        is_today = bar.day == today
        change = bar.close - before.close
        day = bar.day.isoformat()
        foreign, fund = (net_quantity(doors, instrument, who, day, bar.volume) for who in ("frgn", "orgn"))
        nets = {"prsn": -foreign - fund, "frgn": foreign, "orgn": fund}
        row: Row = {
            "stck_bsop_date": bar.day.strftime("%Y%m%d"),
            "stck_clpr": str(bar.close),
            "prdy_vrss": str(change),
            "prdy_vrss_sign": sign_of(change),
        }
        for who, net in nets.items():
            sold = bar.volume // 4
            figures = {
                f"{who}_ntby_qty": net,
                f"{who}_ntby_tr_pbmn": net * bar.close // _MILLION,
                f"{who}_shnu_vol": sold + net,
                f"{who}_shnu_tr_pbmn": (sold + net) * bar.close // _MILLION,
                f"{who}_seln_vol": sold,
                f"{who}_seln_tr_pbmn": sold * bar.close // _MILLION,
            }
            row |= {name: "" if is_today else str(value) for name, value in figures.items()}
        rows.append(row)
    return reply(tr_id, {"output": rows[::-1], **DONE})


def firm_opinions(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """invest-opbysec: a firm by the last three of its digits; another code gives no rows, not a refusal. A hundred rows at most."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J"})
    query.require("FID_COND_SCR_DIV_CODE", {"16634"})
    firm, wanted = query.require("FID_INPUT_ISCD"), _CLASSES[query.require("FID_DIV_CLS_CODE", set(_CLASSES))]
    first, last = query.day("FID_INPUT_DATE_1"), query.day("FID_INPUT_DATE_2")
    names = {number[-3:]: name for number, name, _ in _FIRMS}
    rows: list[Row] = []
    for instrument in doors.exchange.instruments.values() if names.get(firm) == FIRM else ():
        price = doors.exchange.tapes[instrument.symbol].last
        change = price - instrument.reference_price
        for row in opinion_rows(doors, instrument, first, last):
            if wanted in ("", row["invt_opnn_cls_code"]):
                own: Row = {
                    "stck_shrn_iscd": instrument.symbol,
                    "hts_kor_isnm": instrument.name,
                    "stck_prpr": str(price),
                    "prdy_vrss": str(change),
                    "prdy_vrss_sign": sign_of(change),
                    "prdy_ctrt": percent(change, instrument.reference_price),
                }
                rows.append({name: value for name, value in (row | own).items() if name not in ("stck_nday_esdg", "nday_dprt")})
    rows.sort(key=lambda row: row["stck_bsop_date"], reverse=True)
    return reply(tr_id, {"output": rows[:_ROWS], **DONE})


def _statement(doors: Doors, tr_id: str, request: web.Request, row: RowOf) -> web.Response:
    query = Fid(request)
    instrument = query.instrument(doors)
    is_quarterly = query.require("FID_DIV_CLS_CODE", {"0", "1"}) == "1"
    months = periods_of(doors, instrument, is_quarterly=is_quarterly)
    return reply(tr_id, {"output": [{"stac_yymm": month, **row(instrument, month)} for month in months], **DONE})


def _ratios(doors: Doors, tr_id: str, request: web.Request, ranges: Mapping[str, tuple[float, float]]) -> web.Response:
    def row(instrument: Instrument, month: str) -> Row:
        return {
            name: f"{lowest + made_up(instrument, name + month) * (highest - lowest):.2f}" for name, (lowest, highest) in ranges.items()
        }

    return _statement(doors, tr_id, request, row)


def _size(instrument: Instrument) -> float:
    """In 억원: what the shares are worth."""
    return instrument.listed_shares * instrument.reference_price / _HUNDRED_MILLION


def _amount(value: float) -> str:
    return f"{round(value)}.00"
