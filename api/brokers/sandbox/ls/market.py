"""Prices and stock lists: t1102, t1101, t8407, t8430, t8436, t9945, and the server's clock t0167; bodies of the market feeds."""

from __future__ import annotations

from ..doors import Doors
from ..history import FIRST_DAY
from ..instruments import Instrument
from ..model import Side
from ..session import KST
from .codes import QUOTED, Answer
from .figures import change_of, cut_name, find_instrument, static_vi_limits
from .gateway import Call, Reply, Tr
from .wire import TEMPLATES, Block, clock_text, day_text

_UNKNOWN_SYMBOL = Answer("01524", "종목코드를 확인하세요.")
_MULTI_MAX = 50
_CODE_LENGTH = 6
_LEVELS = 10
_CONTINUOUS, _AUCTION = "1", "3"  # 동시구분, as in official examples; other codes are not known
_MILLION = 1_000_000
_HUNDRED_MILLION = 100_000_000


class MarketDesk:
    """Reads the sandbox's market as LS's price TRs show it."""

    def __init__(self, doors: Doors) -> None:
        self._exchange = doors.exchange
        self._history = doors.history

    def trs(self) -> list[Tr]:
        """The TRs of ``/stock/market-data``, ``/stock/etc`` and ``/etc/time-search``."""
        return [
            Tr("t1102", {"shcode": "s", "exchgubun": "s"}, self.price),
            Tr("t1101", {"shcode": "s"}, self.book),
            Tr("t8407", {"nrec": "n", "shcode": "s"}, self.prices),
            Tr("t8430", {"gubun": "s"}, self.stocks),
            Tr("t8436", {"gubun": "s"}, self.stocks_for_api),
            Tr("t9945", {"gubun": "s"}, self.master),
            Tr("t0167", {"id": "s"}, self.clock),
        ]

    def price(self, call: Call) -> Reply:
        """t1102, all 165 fields."""
        instrument = find_instrument(self._exchange, call.text("shcode"))
        if instrument is None:
            return Reply(_UNKNOWN_SYMBOL)
        tape = self._exchange.tapes[instrument.symbol]
        reference = instrument.reference_price
        before = self._history.previous(instrument.symbol).volume
        body = (
            TEMPLATES["t1102OutBlock"]
            | change_of(instrument, tape.last)
            | {
                "hname": instrument.name,
                "shcode": instrument.symbol,
                "price": tape.last,
                "volume": tape.volume,
                "recprice": reference,
                "avg": tape.amount // tape.volume if tape.volume else 0,
                "uplmtprice": instrument.upper_limit,
                "dnlmtprice": instrument.lower_limit,
                "jnilvolume": before,
                "volumediff": tape.volume - before,
                "open": tape.open,
                "opentime": "090000",
                "high": tape.high,
                "hightime": "090000",
                "low": tape.low,
                "lowtime": "090000",
                "high52w": max(tape.high, reference * 6 // 5),
                "low52w": min(tape.low, reference * 4 // 5),
                "highyear": max(tape.high, reference * 6 // 5),
                "lowyear": min(tape.low, reference * 4 // 5),
                "listing": instrument.listed_shares // 1_000,
                "jkrate": 100,
                "value": tape.amount // _MILLION,
                "jvolume": before,
                "total": tape.last * instrument.listed_shares // _HUNDRED_MILLION,
                "janginfo": instrument.market,
                "listdate": f"{FIRST_DAY:%Y%m%d}",
                "ex_shcode": instrument.symbol,
                **static_vi_limits(instrument, tape.open),
                "info3": "거래정지" if instrument.symbol in self._exchange.halted else "",
            }
        )
        return Reply(QUOTED, {"t1102OutBlock": body})

    def book(self, call: Call) -> Reply:
        """t1101."""
        instrument = find_instrument(self._exchange, call.text("shcode"))
        if instrument is None:
            return Reply(_UNKNOWN_SYMBOL)
        tape = self._exchange.tapes[instrument.symbol]
        asks, bids = self._exchange.books[instrument.symbol].levels(_LEVELS)
        body = (
            TEMPLATES["t1101OutBlock"]
            | change_of(instrument, tape.last)
            | {
                "hname": instrument.name,
                "shcode": instrument.symbol,
                "price": tape.last,
                "volume": tape.volume,
                "jnilclose": instrument.reference_price,
                "offer": sum(quantity for _, quantity in asks),
                "bid": sum(quantity for _, quantity in bids),
                "hotime": clock_text(self._exchange.now())[:8],
                "yeprice": tape.last,
                "yesign": change_of(instrument, tape.last)["sign"],
                "yechange": change_of(instrument, tape.last)["change"],
                "yediff": change_of(instrument, tape.last)["diff"],
                "yevolume": tape.last_quantity,
                "ho_status": _CONTINUOUS if self._exchange.phase.matches else _AUCTION,
                "uplmtprice": instrument.upper_limit,
                "dnlmtprice": instrument.lower_limit,
                "open": tape.open,
                "high": tape.high,
                "low": tape.low,
            }
        )
        for name, levels in (("offer", asks), ("bid", bids)):
            for index, (price, quantity) in enumerate(levels, start=1):
                body[f"{name}ho{index}"], body[f"{name}rem{index}"] = price, quantity
        return Reply(QUOTED, {"t1101OutBlock": body})

    def prices(self, call: Call) -> Reply:
        """t8407: up to 50 codes joined without a separator; unknown ones are left out."""
        joined = call.text("shcode")
        count = min(_MULTI_MAX, call.number("nrec"))
        codes = [joined[start : start + _CODE_LENGTH] for start in range(0, len(joined), _CODE_LENGTH)][: max(0, count)]
        rows = [self._price_row(instrument) for code in codes if (instrument := find_instrument(self._exchange, code)) is not None]
        return Reply(QUOTED, {"t8407OutBlock1": rows} if rows else {})

    def _price_row(self, instrument: Instrument) -> Block:
        tape = self._exchange.tapes[instrument.symbol]
        asks, bids = self._exchange.books[instrument.symbol].levels(_LEVELS)
        best_ask, best_bid = (asks or [(0, 0)])[0], (bids or [(0, 0)])[0]
        return change_of(instrument, tape.last) | {
            "shcode": instrument.symbol,
            "hname": instrument.name,
            "price": tape.last,
            "volume": tape.volume,
            "offerho": best_ask[0],
            "bidho": best_bid[0],
            "cvolume": tape.last_quantity,
            "chdegree": "100.00",
            "open": tape.open,
            "high": tape.high,
            "low": tape.low,
            "value": tape.amount // _MILLION,
            "offerrem": best_ask[1],
            "bidrem": best_bid[1],
            "totofferrem": sum(quantity for _, quantity in asks),
            "totbidrem": sum(quantity for _, quantity in bids),
            "jnilclose": instrument.reference_price,
            "uplmtprice": instrument.upper_limit,
            "dnlmtprice": instrument.lower_limit,
        }

    def stocks(self, call: Call) -> Reply:
        """t8430: the whole market in one answer."""
        rows = [_stock(instrument) for instrument in self._listed(call.text("gubun"))]
        return Reply(QUOTED, {"t8430OutBlock": rows} if rows else {})

    def stocks_for_api(self, call: Call) -> Reply:
        """t8436: t8430 and the security group. The group codes of funds are not known: blank."""
        rows = [
            _stock(instrument)
            | {
                "bu12gubun": "" if instrument.is_etf else "01",
                "spac_gubun": "N",
                "filler": "",
            }
            for instrument in self._listed(call.text("gubun"))
        ]
        return Reply(QUOTED, {"t8436OutBlock": rows} if rows else {})

    def master(self, call: Call) -> Reply:
        """t9945: one market; stocks count as tradable on NXT here, funds do not."""
        rows = [
            {
                "hname": instrument.name,
                "shcode": instrument.symbol,
                "expcode": instrument.isin,
                "etfchk": "1" if instrument.is_etf else "0",
                "nxt_chk": "0" if instrument.is_etf else "1",
                "filler": "",
            }
            for instrument in self._listed(call.text("gubun") or "1")
        ]
        return Reply(QUOTED, {"t9945OutBlock": rows} if rows else {})

    def clock(self, call: Call) -> Reply:
        """t0167: the server's day and time to the microsecond, KST."""
        now = self._exchange.now()
        return Reply(
            QUOTED,
            {
                "t0167OutBlock": {
                    "dt": day_text(now),
                    "time": f"{now.astimezone(KST):%H%M%S%f}",
                }
            },
        )

    def trade_frame(self, symbol: str, quantity: int) -> dict[str, str]:
        """The body of S3_ and K3_: the last trade and the day's totals."""
        instrument, tape = (
            self._exchange.instruments[symbol],
            self._exchange.tapes[symbol],
        )
        asks, bids = self._exchange.books[symbol].levels(1)
        change = change_of(instrument, tape.last)
        return TEMPLATES["S3_"] | {
            "chetime": clock_text(self._exchange.now())[:6],
            "sign": change["sign"],
            "change": str(change["change"]),
            "drate": change["diff"],
            "price": str(tape.last),
            "opentime": "090000",
            "open": str(tape.open),
            "hightime": "090000",
            "high": str(tape.high),
            "lowtime": "090000",
            "low": str(tape.low),
            "cgubun": "+" if tape.last_side is Side.BUY else "-",
            "cvolume": str(quantity),
            "volume": str(tape.volume),
            "value": str(tape.amount // _MILLION),
            "mdvolume": "0",
            "mdchecnt": "0",
            "msvolume": "0",
            "mschecnt": "0",
            "cpower": "100.00",
            "w_avrg": str(tape.amount // tape.volume if tape.volume else 0),
            "offerho": str(asks[0][0] if asks else 0),
            "bidho": str(bids[0][0] if bids else 0),
            "status": "00",
            "jnilvolume": "0",
            "shcode": symbol,
            "exchname": "KRX",
        }

    def book_frame(self, symbol: str) -> dict[str, str]:
        """The body of H1_ and HA_."""
        instrument, tape = self._exchange.instruments[symbol], self._exchange.tapes[symbol]
        asks, bids = self._exchange.books[symbol].levels(_LEVELS)
        body = TEMPLATES["H1_"] | {
            "hotime": clock_text(self._exchange.now())[:6],
            "totofferrem": str(sum(quantity for _, quantity in asks)),
            "totbidrem": str(sum(quantity for _, quantity in bids)),
            "donsigubun": _CONTINUOUS if self._exchange.phase.matches else _AUCTION,
            "shcode": instrument.symbol,
            "volume": str(tape.volume),
            "midprice": str(self._exchange.middle_price(self._exchange.books[symbol], Side.BUY)),
        }
        for name, levels in (("offer", asks), ("bid", bids)):
            for index, (price, quantity) in enumerate(levels, start=1):
                body[f"{name}ho{index}"], body[f"{name}rem{index}"] = str(price), str(quantity)
        return body

    def _listed(self, gubun: str) -> list[Instrument]:
        market = {"1": "KOSPI", "2": "KOSDAQ"}.get(gubun)
        return [instrument for instrument in self._exchange.instruments.values() if market is None or instrument.market == market]


def _stock(instrument: Instrument) -> Block:
    return {
        "hname": cut_name(instrument),
        "shcode": instrument.symbol,
        "expcode": instrument.isin,
        "etfgubun": "1" if instrument.is_etf else "0",
        "uplmtprice": instrument.upper_limit,
        "dnlmtprice": instrument.lower_limit,
        "jnilclose": instrument.reference_price,
        "memedan": f"{instrument.lot:05d}",
        "recprice": instrument.reference_price,
        "gubun": "1" if instrument.market == "KOSPI" else "2",
    }
