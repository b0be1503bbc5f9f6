"""t1511: market indices, made up of the sandbox's sample by market value; each starts its day at a round figure."""

from __future__ import annotations

from ..doors import Doors
from ..instruments import Instrument
from .codes import QUOTED, Answer
from .figures import change_sign
from .gateway import Call, Reply, Tr
from .wire import TEMPLATES, decimal_text

_MILLION = 1_000_000
_NAME_WIDTH = 20
_UNKNOWN = Answer("00000", "해당자료가 없습니다.")  # what LS answers to an unknown index is not known

# code: name, its figure of the last day, market (None: all), what kind of industry index LS calls it
_INDICES: dict[str, tuple[str, float, str | None, str]] = {
    "001": ("종합", 2600.0, "KOSPI", "1"),
    "101": ("KOSPI200", 350.0, "KOSPI", "1"),
    "301": ("종합", 850.0, "KOSDAQ", "2"),
    "501": ("KRX100", 5500.0, None, "3"),
}
_ORDINALS = (("first", "fir"), ("second", "sec"), ("third", "thr"), ("fourth", "for"))


class IndexDesk:
    """Reads the sandbox's market as an index."""

    def __init__(self, doors: Doors) -> None:
        self._exchange = doors.exchange
        self._history = doors.history

    def trs(self) -> list[Tr]:
        """The TR of ``/indtp/market-data``."""
        return [Tr("t1511", {"upcode": "s"}, self.index)]

    def index(self, call: Call) -> Reply:
        """t1511: indices and rates are text, counts and volumes numbers."""
        known = _INDICES.get(call.text("upcode"))
        if known is None:
            return Reply(_UNKNOWN, continuation="")
        name, base, market, kind = known
        members = [one for one in self._exchange.instruments.values() if not one.is_etf and market in {None, one.market}]
        tapes = self._exchange.tapes
        level, opening, high, low = (
            base * _ratio(members, {one.symbol: getattr(tapes[one.symbol], figure) for one in members})
            for figure in ("last", "open", "high", "low")
        )
        volume, amount = sum(tapes[one.symbol].volume for one in members), sum(tapes[one.symbol].amount for one in members)
        before = [self._history.previous(one.symbol) for one in members]
        volume_before, amount_before = sum(bar.volume for bar in before), sum(bar.amount for bar in before)
        changes = [tapes[one.symbol].last - one.reference_price for one in members]
        day, last_day = f"{self._history.today:%Y%m%d}", f"{before[0].day:%Y%m%d}"
        moved = {"change": level - base, "diffjisu": _percent(level, base), "pricejisu": level, "jniljisu": base}
        rates = {
            "volumerate": 100 * volume / volume_before,
            "valuerate": 100 * amount / amount_before,
            "openjisu": opening,
            "opendiff": _percent(opening, base),
            "highjisu": high,
            "highdiff": _percent(high, base),
            "lowjisu": low,
            "lowdiff": _percent(low, base),
            "whjisu": max(high, base),
            "whchange": _percent(level, max(high, base)),
            "wljisu": min(low, base),
            "wlchange": _percent(level, min(low, base)),
            "yhjisu": max(high, base),
            "yhchange": _percent(level, max(high, base)),
            "yljisu": min(low, base),
            "ylchange": _percent(level, min(low, base)),
        }
        body = TEMPLATES["t1511OutBlock"] | {field: decimal_text(value) for field, value in (moved | rates).items()}
        body |= {
            "gubun": kind,
            "hname": name.ljust(_NAME_WIDTH) if name.isascii() else "       ".join(name),
            "sign": change_sign(round(100 * (level - base))),
            "jnilvolume": volume_before // 1_000,
            "volume": volume // 1_000,
            "volumechange": (volume - volume_before) // 1_000,
            "jnilvalue": amount_before // _MILLION,
            "value": amount // _MILLION,
            "valuechange": (amount - amount_before) // _MILLION,
            **dict.fromkeys(("opentime", "hightime", "lowtime"), "090000"),
            **dict.fromkeys(("whjday", "yhjday"), day if high >= base else last_day),
            **dict.fromkeys(("wljday", "yljday"), day if low <= base else last_day),
            "highjo": sum(change > 0 for change in changes),
            "unchgjo": sum(change == 0 for change in changes),
            "lowjo": sum(change < 0 for change in changes),
            "upjo": sum(tapes[one.symbol].last == one.upper_limit for one in members),
            "downjo": sum(tapes[one.symbol].last == one.lower_limit for one in members),
        }
        for ordinal, short in _ORDINALS:  # LS shows the size classes here; the sandbox has none: the index itself
            body |= {
                f"{ordinal}jcode": call.text("upcode"),
                f"{ordinal}jname": body["hname"],
                f"{ordinal}jisu": body["pricejisu"],
                f"{short}sign": body["sign"],
                f"{short}change": body["change"],
                f"{short}diff": body["diffjisu"],
            }
        return Reply(QUOTED, {"t1511OutBlock": body})


def _ratio(members: list[Instrument], prices: dict[str, int]) -> float:
    """Market value at these prices over that at the reference prices."""
    now = sum(prices[one.symbol] * one.listed_shares for one in members)
    return now / sum(one.reference_price * one.listed_shares for one in members)


def _percent(level: float, base: float) -> float:
    return 100 * (level - base) / base
