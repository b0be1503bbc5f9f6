"""Rankings of ``/stock/high-item`` over the sandbox's sample.

The sandbox has no off-hours sessions and no auctions of its own: t1481, t1482 and t1492 (off-hours) and t1489 (expected matches) show the
regular market under their names. At the end of a list ``idx`` stays at the number of its rows: what LS says there is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from ..doors import Doors
from ..history import Rank, Ranked
from ..session import KST
from .codes import QUOTED
from .figures import change_of, cut_name
from .gateway import Blocks, Call, Reply, Tr
from .wire import TEMPLATES, Block, decimal_text

_PAGE_ROWS = 20
_MARKETS = {"1": "KOSPI", "2": "KOSDAQ"}
_HALTED, _PREFERRED, _ETF = 0x200, 0x4000, 1  # of jc_num, jc_num, jc_num2
_MILLION = 1_000_000
_HUNDRED_MILLION = 100_000_000
_LEAST_BEFORE = {"1": 10_000, "2": 50_000, "3": 100_000, "4": 200_000, "5": 500_000, "6": 1_000_000}  # type1 of t1466, shares
_MOST_GROWTH = {"1": 2_000, "2": 1_500, "3": 1_000, "4": 500, "5": 100, "6": 50}  # type2 of t1466, percent
_WITHOUT_PREFERRED = {"1", "3"}  # jongchk

_Key = Callable[[Ranked], float]


@dataclass(slots=True, frozen=True)
class _Ranking:
    """One TR: its inputs besides ``idx``, how it sorts (highest first), and rows a page.

    Attributes:
        is_won: ``value`` is in won, not in millions.
    """

    inputs: dict[str, str]
    key: Callable[[RankDesk, Call], _Key]
    page_rows: int = _PAGE_ROWS
    is_won: bool = False


class RankDesk:
    """Reads the sandbox's market as LS's rankings show it."""

    def __init__(self, doors: Doors) -> None:
        self._exchange = doors.exchange
        self._history = doors.history

    def trs(self) -> list[Tr]:
        """The TRs of ``/stock/high-item``."""
        return [Tr(code, ranking.inputs | {"idx": "n"}, self._handler(code, ranking)) for code, ranking in _RANKINGS.items()]

    def _handler(self, code: str, ranking: _Ranking) -> Callable[[Call], Reply]:
        def handle(call: Call) -> Reply:
            return self._reply(call, code, ranking)

        return handle

    def _reply(self, call: Call, code: str, ranking: _Ranking) -> Reply:
        market = _MARKETS.get(_text(call, "gubun") or _text(call, "gubun1"))
        rows = [row for row in self._history.ranking(Rank.VOLUME, market=market) if self._is_wanted(call, row)]
        rows.sort(key=ranking.key(self, call), reverse=True)
        start = max(0, call.number("idx")) if call.is_continued else 0
        page, end = rows[start : start + ranking.page_rows], min(len(rows), start + ranking.page_rows)
        head: Block = {"idx": end}
        if f"{code}OutBlock" in TEMPLATES:
            head = TEMPLATES[f"{code}OutBlock"] | {"hhmm": f"{self._exchange.now().astimezone(KST):%H:%M}"} | head
        blocks: Blocks = {f"{code}OutBlock": head}
        if page:
            blocks[f"{code}OutBlock1"] = [self._row(code, ranking, row) for row in page]
        has_more = end < len(rows)
        return Reply(QUOTED, blocks, "Y" if has_more else "N", str(end) if has_more else "")

    def _is_wanted(self, call: Call, row: Ranked) -> bool:
        instrument, tape = row.instrument, row.tape
        excluded, more_excluded = _number(call, "jc_num"), _number(call, "jc_num2")
        is_preferred = not instrument.is_etf and instrument.symbol[-1] != "0"
        rate = row.change / instrument.reference_price * 100
        lowest, highest = _number(call, "sprice") or _number(call, "yesprice"), _number(call, "eprice") or _number(call, "yeeprice")
        is_flat = _text(call, "gubun2") == "2"
        return (
            tape.last >= lowest
            and (not highest or tape.last <= highest)
            and tape.volume >= _number(call, "volume")
            and not (excluded & _HALTED and instrument.symbol in self._exchange.halted)
            and not (is_preferred and (excluded & _PREFERRED or _text(call, "jongchk") in _WITHOUT_PREFERRED))
            and not (more_excluded & _ETF and instrument.is_etf)
            and (not _number(call, "sdiff") or rate >= _number(call, "sdiff"))
            and (not _number(call, "ediff") or rate <= _number(call, "ediff"))
            and (not is_flat or row.change == 0)
            and row.previous.volume >= _LEAST_BEFORE.get(_text(call, "type1"), 0)
            and row.tape.volume / row.previous.volume * 100 <= _MOST_GROWTH.get(_text(call, "type2"), inf)
        )

    def rate(self, row: Ranked) -> float:
        """등락율 of today, percent."""
        return row.change / row.instrument.reference_price * 100

    def rate_before(self, row: Ranked) -> float:
        """등락율 of the last day, percent."""
        before = self._history.close_before(row.instrument.symbol, row.previous.day)
        return (row.previous.close - before) / before * 100

    def _row(self, code: str, ranking: _Ranking, row: Ranked) -> Block:
        instrument, tape, previous = row.instrument, row.tape, row.previous
        asks, bids = self._exchange.books[instrument.symbol].levels(1)
        ask, bid = (asks or [(0, 0)])[0], (bids or [(0, 0)])[0]
        is_turnover = code == "t1463"
        values: dict[str, Any] = change_of(instrument, tape.last) | {
            "hname": cut_name(instrument),
            "shcode": instrument.symbol,
            "ex_shcode": instrument.symbol,
            "price": tape.last,
            "volume": tape.volume,
            "yevolume": tape.last_quantity,
            "offerho1": ask[0],
            "offerrem1": ask[1],
            "offerho": ask[0],
            "bidho1": bid[0],
            "bidrem1": bid[1],
            "bidho": bid[0],
            "jnildiff": decimal_text(self.rate_before(row)),
            "open": tape.open,
            "high": tape.high,
            "low": tape.low,
            "voldiff": decimal_text(100 * tape.volume / previous.volume),
            "stdvolume": previous.volume,
            "vol": decimal_text(100 * tape.volume / instrument.listed_shares),
            "jnilvolume": previous.volume,
            "jnilvalue": previous.amount // _MILLION,
            "bef_diff": decimal_text(100 * (tape.amount / previous.amount if is_turnover else tape.volume / previous.volume)),
            "value": tape.amount if ranking.is_won else tape.amount // _MILLION,
            "total": tape.last * instrument.listed_shares // _HUNDRED_MILLION,
        }
        if code == "t1492":
            values["change"] = row.change  # the one ranking whose official example has a sign here
        template = TEMPLATES[f"{code}OutBlock1"]
        return template | {name: value for name, value in values.items() if name in template}


def _text(call: Call, name: str) -> str:
    return call.text(name) if isinstance(call.fields.get(name), str) else ""


def _number(call: Call, name: str) -> int:
    return 0 if isinstance(call.fields.get(name, ""), str) else call.number(name)


def _by_change(desk: RankDesk, call: Call) -> _Key:
    rate = desk.rate_before if _text(call, "gubun3") == "1" else desk.rate
    return (lambda row: -rate(row)) if _text(call, "gubun2") == "1" else rate


def _by_volume(_desk: RankDesk, call: Call) -> _Key:
    if _text(call, "jnilgubun") == "2":
        return lambda row: row.previous.volume
    return lambda row: row.tape.volume


def _by_turnover(_desk: RankDesk, call: Call) -> _Key:
    if _text(call, "jnilgubun") == "1":
        return lambda row: row.previous.amount
    return lambda row: row.tape.amount


def _by_growth(_desk: RankDesk, _call: Call) -> _Key:
    return lambda row: row.tape.volume / row.previous.volume


def _by_either(_desk: RankDesk, call: Call) -> _Key:
    return (lambda row: row.tape.amount) if call.number("sort_gbn") == 1 else (lambda row: row.tape.volume)


_BOUNDS = {"jc_num": "n", "sprice": "n", "eprice": "n", "volume": "n"}
_VENUE = {"jc_num2": "n", "exchgubun": "s"}
_RANKINGS: Mapping[str, _Ranking] = {
    "t1441": _Ranking({"gubun1": "s", "gubun2": "s", "gubun3": "s"} | _BOUNDS | _VENUE, _by_change),
    "t1452": _Ranking({"gubun": "s", "jnilgubun": "s", "sdiff": "n", "ediff": "n"} | _BOUNDS, _by_volume, page_rows=40),
    "t1463": _Ranking({"gubun": "s", "jnilgubun": "s"} | _BOUNDS | _VENUE, _by_turnover),
    "t1466": _Ranking({"gubun": "s", "type1": "s", "type2": "s"} | _BOUNDS | _VENUE, _by_growth),
    "t1481": _Ranking(dict.fromkeys(("gubun1", "gubun2", "jongchk", "volume"), "s"), _by_change, is_won=True),
    "t1482": _Ranking({"sort_gbn": "n", "gubun": "s", "jongchk": "s"}, _by_either, is_won=True),
    "t1489": _Ranking({"gubun": "s", "jgubun": "s", "jongchk": "s", "yesprice": "n", "yeeprice": "n", "yevolume": "n"}, _by_volume),
    "t1492": _Ranking(dict.fromkeys(("gubun1", "gubun2", "jongchk", "volume"), "s"), _by_change, page_rows=21, is_won=True),
}
