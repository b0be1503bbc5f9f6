"""Rankings at KIS: which TR, which parameters. One page each, about 30 rows; none of them in paper.

Source: ``examples_llm/domestic_stock`` of the official repository (head 885dd4e), one folder a TR; the parameters of each are its own
sample's. The after-hours rankings tell of 시간외 단일가, whose session ended on 2026-09-12: what they answer since is unsure.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Final

from msgspec import Struct

from api.brokers.base import CallClass
from api.brokers.kis.codes import QUOTATIONS, RANKING, Tr
from api.brokers.kis.envelope import Envelope
from api.brokers.kis.parse_market import parse_fluctuation, parse_volume_rank
from api.brokers.kis.parse_rankings import (
    parse_expected_change,
    parse_net_buying,
    parse_overtime_fluctuation,
    parse_overtime_volume,
    parse_quote_balance,
)
from api.brokers.kis.rest import KisRest
from api.brokers.market_data import RankedInstrument
from api.domain.enums import RankingKind
from api.kit.clock import KST, Clock

_EVERY_STOCK: Final = {"FID_TRGT_CLS_CODE": "111111111", "FID_TRGT_EXLS_CLS_CODE": "0000000000"}
_NO_BOUNDS: Final = {"FID_INPUT_PRICE_1": "", "FID_INPUT_PRICE_2": "", "FID_VOL_CNT": ""}
_KRX: Final = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "0000"}
_NOON = time(12, 0)


class _Question(Struct, frozen=True):
    tr: Tr
    path: str
    params: Mapping[str, str]
    parse: Callable[[Envelope], list[RankedInstrument]]


def _volume(by: str) -> _Question:
    # FID_BLNG_CLS_CODE: 0 is called average volume, which for one day is the day's; 1 its growth, 3 the amount traded
    params = _KRX | _EVERY_STOCK | _NO_BOUNDS
    params |= {"FID_COND_SCR_DIV_CODE": "20171", "FID_DIV_CLS_CODE": "0", "FID_BLNG_CLS_CODE": by, "FID_INPUT_DATE_1": ""}
    return _Question(Tr.VOLUME_RANK, f"{QUOTATIONS}/volume-rank", params, parse_volume_rank)


def _change(by: str) -> _Question:
    # fid_rank_sort_cls_code (legacy/postman of the official repository): 0 up, 1 down; fid_prc_cls_code 1 measures both from the last close
    params = _KRX | _NO_BOUNDS | {"FID_TRGT_CLS_CODE": "0", "FID_TRGT_EXLS_CLS_CODE": "0", "FID_DIV_CLS_CODE": "0"}
    params |= {"FID_COND_SCR_DIV_CODE": "20170", "FID_RANK_SORT_CLS_CODE": by, "FID_INPUT_CNT_1": "0", "FID_PRC_CLS_CODE": "1"}
    params |= {"FID_RSFL_RATE1": "", "FID_RSFL_RATE2": ""}
    return _Question(Tr.FLUCTUATION, f"{RANKING}/fluctuation", _lower(params), parse_fluctuation)


def _balance(by: str) -> _Question:
    # fid_rank_sort_cls_code: 0 순매수잔량순, 1 순매도잔량순
    params = _KRX | _NO_BOUNDS | {"FID_COND_SCR_DIV_CODE": "20172", "FID_RANK_SORT_CLS_CODE": by}
    params |= {"FID_DIV_CLS_CODE": "0", "FID_TRGT_CLS_CODE": "0", "FID_TRGT_EXLS_CLS_CODE": "0"}
    return _Question(Tr.QUOTE_BALANCE, f"{RANKING}/quote-balance", _lower(params), parse_quote_balance)


def _overtime_change(by: str) -> _Question:
    # FID_DIV_CLS_CODE: 2 상승률, 5 하락률
    params = _KRX | _NO_BOUNDS | {"FID_MRKT_CLS_CODE": "", "FID_COND_SCR_DIV_CODE": "20234", "FID_DIV_CLS_CODE": by}
    params |= {"FID_TRGT_CLS_CODE": "", "FID_TRGT_EXLS_CLS_CODE": ""}
    return _Question(Tr.OVERTIME_FLUCTUATION, f"{RANKING}/overtime-fluctuation", params, parse_overtime_fluctuation)


def _overtime_volume() -> _Question:
    # FID_RANK_SORT_CLS_CODE: 2 거래량
    params = _KRX | _NO_BOUNDS | {"FID_COND_SCR_DIV_CODE": "20235", "FID_RANK_SORT_CLS_CODE": "2"}
    params |= {"FID_TRGT_CLS_CODE": "", "FID_TRGT_EXLS_CLS_CODE": ""}
    return _Question(Tr.OVERTIME_VOLUME, f"{RANKING}/overtime-volume", params, parse_overtime_volume)


def _expected(by: str) -> _Question:
    # fid_rank_sort_cls_code: 0 상승률, 3 하락율
    params = _KRX | {"FID_RANK_SORT_CLS_CODE": by, "FID_COND_SCR_DIV_CODE": "20182", "FID_DIV_CLS_CODE": "0"}
    params |= {"FID_APLY_RANG_PRC_1": "", "FID_VOL_CNT": "", "FID_PBMN": "", "FID_BLNG_CLS_CODE": "0"}
    return _Question(Tr.EXPECTED_CHANGE, f"{RANKING}/exp-trans-updown", _lower(params), parse_expected_change)


def _net_buying(by: str) -> _Question:
    # FID_ETC_CLS_CODE: 1 외국인, 2 기관계; by shares (FID_DIV_CLS_CODE 0), most bought first; V is the sample's only market
    params = {"FID_COND_MRKT_DIV_CODE": "V", "FID_COND_SCR_DIV_CODE": "16449", "FID_INPUT_ISCD": "0000", "FID_DIV_CLS_CODE": "0"}
    params |= {"FID_RANK_SORT_CLS_CODE": "0", "FID_ETC_CLS_CODE": by}
    is_foreign = by == "1"
    return _Question(
        Tr.NET_BUYING,
        f"{QUOTATIONS}/foreign-institution-total",
        params,
        lambda envelope: parse_net_buying(envelope, is_foreign=is_foreign),
    )


def _lower(params: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in params.items()}  # as these TRs' sheets and samples have them


_QUESTIONS: Mapping[RankingKind, _Question] = {
    RankingKind.VOLUME: _volume("0"),
    RankingKind.VOLUME_SURGE: _volume("1"),
    RankingKind.TURNOVER: _volume("3"),
    RankingKind.GAINERS: _change("0"),
    RankingKind.LOSERS: _change("1"),
    RankingKind.BID_BALANCE: _balance("0"),
    RankingKind.ASK_BALANCE: _balance("1"),
    RankingKind.AFTER_HOURS_GAINERS: _overtime_change("2"),
    RankingKind.AFTER_HOURS_LOSERS: _overtime_change("5"),
    RankingKind.AFTER_HOURS_VOLUME: _overtime_volume(),
    RankingKind.EXPECTED_GAINERS: _expected("0"),
    RankingKind.EXPECTED_LOSERS: _expected("3"),
    RankingKind.FOREIGN_NET_BUYING: _net_buying("1"),
    RankingKind.INSTITUTION_NET_BUYING: _net_buying("2"),
}


class KisRankings:
    """Rankings with one account's key."""

    def __init__(self, rest: KisRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def ranking(self, kind: RankingKind) -> list[RankedInstrument]:
        """The first page of a ranking, in KIS's order."""
        question = _QUESTIONS[kind]
        params = dict(question.params)
        if question.tr is Tr.EXPECTED_CHANGE:
            params["fid_mkop_cls_code"] = _auction(self._clock.now())
        page = await self._rest.inquire(question.tr, question.path, params, call_class=CallClass.INQUIRY)
        return question.parse(page.envelope)


def _auction(now: datetime) -> str:
    """``fid_mkop_cls_code``: 0 before the opening, 1 before the close."""
    return "0" if now.astimezone(KST).time() < _NOON else "1"
