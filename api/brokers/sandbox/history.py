"""Bars and rankings: a made-up past that leads up to the reference price, and the real trades of today.

The past is a closed formula of symbol and date: waves of several lengths and a little noise, scaled so that the last close before
today is the reference price. The same question has the same answer as long as the day lasts, without anything being stored. The minutes
of a past day add up to its day bar: the first opens, the last closes, their extremes and sums are the day's.

Today's bars come from the tape. The volume that the market opens with stands in the first minute; minutes without a trade are flat.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import groupby

from .calendar import is_open_day, open_days, previous_open_day
from .exchange import Exchange
from .instruments import Instrument
from .model import Side
from .session import KST
from .ticks import floor_to_tick
from .trading import Tape

FIRST_DAY = date(2016, 1, 4)
"""Before it there are no bars; also told as every instrument's listing day."""

_OPENS, _CLOSES = time(9, 0), time(15, 30)
_AUCTION = time(15, 20)  # from here to the close nothing trades
_WAVES = ((0.25, 900.0), (0.09, 170.0), (0.03, 31.0))  # share of the price, length in days
_NOISE = 0.008
_SPREAD = 0.012
_KEPT_TICKS = 100


@dataclass(slots=True, frozen=True)
class Bar:
    """One bar. ``day`` is its first KST date, ``minute`` its minute (None for a day and longer). Won and shares."""

    day: date
    minute: time | None
    open: int
    high: int
    low: int
    close: int
    volume: int
    amount: int


class Period(StrEnum):
    """Length of a bar above the minute."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Rank(StrEnum):
    """What a ranking sorts by, best first: shares, won, change up, change down."""

    VOLUME = "volume"
    AMOUNT = "amount"
    GAINERS = "gainers"
    LOSERS = "losers"


@dataclass(slots=True, frozen=True)
class Ranked:
    """One row of a ranking; ``rank`` starts at 1."""

    rank: int
    instrument: Instrument
    tape: Tape
    previous: Bar

    @property
    def change(self) -> int:
        """전일대비, won, signed."""
        return self.tape.last - self.instrument.reference_price


class History:
    """The bars of an exchange; listens to its trades from the moment it is made."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._today: date | None = None
        self._trades: dict[str, dict[time, Bar]] = {}
        self._ticks: dict[str, deque[tuple[datetime, int, int]]] = {}
        exchange.trade_listeners.append(self._on_trade)

    @property
    def today(self) -> date:
        """The KST date now."""
        return self._exchange.now().astimezone(KST).date()

    def reset(self) -> None:
        """Forget today's trades."""
        self._trades.clear()
        self._ticks.clear()

    def last_trades(self, symbol: str) -> list[tuple[datetime, int, int]]:
        """The newest hundred trades at most, newest first: time in Korea, won, shares."""
        return list(reversed(self._ticks.get(symbol, ())))

    def bars(self, symbol: str, period: Period, first: date, last: date) -> list[Bar]:
        """Bars that hold a day from ``first`` to ``last``, oldest first.

        Longer bars are whole even where ``first`` falls into them, but for the current one, which ends today; their ``day`` is the
        first trading day in them. Today has a bar on every calendar day: the sandbox's market is open at every hour.
        """
        if period is not Period.DAY:
            first, last = _begin(first, period), _end(last, period)
        days = self._daily(self._exchange.instruments[symbol], max(first, FIRST_DAY), min(last, self.today))
        if period is Period.DAY:
            return days
        return [_merged(group) for _, group in groupby(days, key=lambda bar: _begin(bar.day, period))]

    def minutes(self, symbol: str, day: date) -> list[Bar]:
        """The minutes of a day, oldest first; empty for a day without trading. A past day has 09:00 to 15:19 and 15:30."""
        instrument = self._exchange.instruments[symbol]
        if day == self.today:
            return self._minutes_of_today(symbol)
        if day > self.today or day < FIRST_DAY or not is_open_day(day):
            return []
        return _split_into_minutes(instrument, self._past_day(instrument, day))

    def previous(self, symbol: str) -> Bar:
        """The last day bar before today; closes at the reference price."""
        return self._past_day(self._exchange.instruments[symbol], previous_open_day(self.today))

    def close_before(self, symbol: str, day: date) -> int:
        """전일종가 of a past or present day, won."""
        instrument = self._exchange.instruments[symbol]
        return _close(instrument, previous_open_day(day), previous_open_day(self.today))

    def ranking(self, rank: Rank, *, market: str | None = None) -> list[Ranked]:
        """All instruments (of one market), best first; equals in the order of the sample."""
        instruments = [one for one in self._exchange.instruments.values() if market is None or one.market == market]
        instruments.sort(key=lambda one: self._rank_key(rank, one), reverse=rank is not Rank.LOSERS)
        return [
            Ranked(number, one, self._exchange.tapes[one.symbol], self.previous(one.symbol)) for number, one in enumerate(instruments, 1)
        ]

    def _rank_key(self, rank: Rank, instrument: Instrument) -> float:
        tape = self._exchange.tapes[instrument.symbol]
        match rank:
            case Rank.VOLUME:
                return tape.volume
            case Rank.AMOUNT:
                return tape.amount
            case Rank.GAINERS | Rank.LOSERS:
                return (tape.last - instrument.reference_price) / instrument.reference_price

    # --- days ------------------------------------------------------------------------------------------------------

    def _daily(self, instrument: Instrument, first: date, last: date) -> list[Bar]:
        today = self.today
        bars = [self._past_day(instrument, day) for day in open_days(first, min(last, today - timedelta(days=1)))]
        if first <= today <= last:
            tape = self._exchange.tapes[instrument.symbol]
            bars.append(Bar(today, None, tape.open, tape.high, tape.low, tape.last, tape.volume, tape.amount))
        return bars

    def _past_day(self, instrument: Instrument, day: date) -> Bar:
        return _past_bar(instrument, day, previous_open_day(self.today))

    # --- today's minutes --------------------------------------------------------------------------------------------

    def _on_trade(self, symbol: str, quantity: int, price: int, _side: Side) -> None:
        local = self._exchange.now().astimezone(KST)
        if local.date() != self._today:
            self._today = local.date()
            self.reset()
        self._ticks.setdefault(symbol, deque(maxlen=_KEPT_TICKS)).append((local, price, quantity))
        minute = local.time().replace(second=0, microsecond=0)
        bars = self._trades.setdefault(symbol, {})
        bar = bars.get(minute) or Bar(local.date(), minute, price, price, price, price, 0, 0)
        high, low = max(bar.high, price), min(bar.low, price)
        bars[minute] = Bar(bar.day, minute, bar.open, high, low, price, bar.volume + quantity, bar.amount + quantity * price)

    def _minutes_of_today(self, symbol: str) -> list[Bar]:
        today = self.today
        now = self._exchange.now().astimezone(KST).time().replace(second=0, microsecond=0)
        trades = self._trades.get(symbol, {}) if self._today == today else {}
        begin = min([_OPENS if now >= _OPENS else time(0, 0), *trades])
        tape = self._exchange.tapes[symbol]
        opening = Bar(
            today,
            begin,
            tape.open,
            tape.open,
            tape.open,
            tape.open,
            tape.volume - sum(bar.volume for bar in trades.values()),
            tape.amount - sum(bar.amount for bar in trades.values()),
        )
        bars = [_merged([opening, trades[begin]]) if begin in trades else opening]
        for minute in _minutes_after(begin, max([min(now, _CLOSES), *trades])):
            if minute in trades:
                bars.append(trades[minute])
            elif minute <= _CLOSES:
                close = bars[-1].close
                bars.append(Bar(today, minute, close, close, close, close, 0, 0))
        return bars


class _Random:
    """Numbers that follow from a symbol and a date."""

    def __init__(self, symbol: str, day: date) -> None:
        digest = hashlib.blake2b(f"{symbol}{day.toordinal()}".encode(), digest_size=32).digest()
        self._numbers = iter([int.from_bytes(digest[start : start + 4]) / 2**32 for start in range(0, len(digest), 4)])

    def share(self) -> float:
        """From 0 to 1."""
        return next(self._numbers)

    def signed(self) -> float:
        """From -1 to 1."""
        return 2 * self.share() - 1


@lru_cache(maxsize=65_536)
def _height(symbol: str, day: date) -> float:
    """Where the price's logarithm stands on a day, up to a constant."""
    ordinal = day.toordinal()
    phases = hashlib.blake2b(symbol.encode(), digest_size=len(_WAVES)).digest()
    waves = sum(
        size * math.sin(2 * math.pi * (ordinal / length + phase / 256)) for (size, length), phase in zip(_WAVES, phases, strict=True)
    )
    return waves + _NOISE * _Random(f"{symbol}~", day).signed()


@lru_cache(maxsize=65_536)
def _past_bar(instrument: Instrument, day: date, last: date) -> Bar:
    """The bar of a day in a past whose ``last`` day closes at the reference price."""
    before, close = (_close(instrument, at, last) for at in (previous_open_day(day), day))
    random = _Random(instrument.symbol, day)
    is_etf = instrument.is_etf
    opening = floor_to_tick(round(before * (1 + _NOISE * random.signed())), is_etf=is_etf)
    high = floor_to_tick(round(max(opening, close) * (1 + _SPREAD * random.share())), is_etf=is_etf)
    low = floor_to_tick(round(min(opening, close) * (1 - _SPREAD * random.share())), is_etf=is_etf)
    high, low = max(high, opening, close), max(1, min(low, opening, close))
    volume = max(1, round(instrument.listed_shares / 500 * (0.5 + random.share())))
    return Bar(day, None, opening, high, low, close, volume, volume * ((opening + high + low + close) // 4))


def _close(instrument: Instrument, day: date, last: date) -> int:
    if day >= last:
        return instrument.reference_price
    level = math.exp(_height(instrument.symbol, day) - _height(instrument.symbol, last))
    return max(1, floor_to_tick(round(instrument.reference_price * level), is_etf=instrument.is_etf))


def _begin(day: date, period: Period) -> date:
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)


def _end(day: date, period: Period) -> date:
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day + timedelta(days=6 - day.weekday())
        case Period.MONTH:
            return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        case Period.YEAR:
            return day.replace(month=12, day=31)


def _merged(bars: Iterable[Bar]) -> Bar:
    parts = list(bars)
    return Bar(
        parts[0].day,
        parts[0].minute,
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.volume for part in parts),
        sum(part.amount for part in parts),
    )


def _minutes_after(begin: time, end: time) -> list[time]:
    start, stop = begin.hour * 60 + begin.minute, end.hour * 60 + end.minute
    return [time(*divmod(minute, 60)) for minute in range(start + 1, stop + 1)]


def _split_into_minutes(instrument: Instrument, whole: Bar) -> list[Bar]:
    times = [_OPENS, *(minute for minute in _minutes_after(_OPENS, _CLOSES) if not _AUCTION <= minute < _CLOSES)]
    count = len(times)
    seed = hashlib.blake2b(f"{instrument.symbol}{whole.day}".encode(), digest_size=64).digest()
    weights = [1 + seed[number % len(seed)] for number in range(count)]
    highest, lowest = 1 + seed[0] % (count - 2), 1 + seed[1] % (count - 2)
    bars: list[Bar] = []
    before = whole.open
    for number, (minute, volume, amount) in enumerate(
        zip(times, _shared(whole.volume, weights), _shared(whole.amount, weights), strict=True)
    ):
        straight = whole.open + (whole.close - whole.open) * number / (count - 1)
        wiggle = (whole.high - whole.low) * (seed[number % 61] - 128) / 1024
        close = min(whole.high, max(whole.low, floor_to_tick(round(straight + wiggle), is_etf=instrument.is_etf)))
        if number == count - 1:
            close = whole.close
        high = whole.high if number == highest else max(before, close)
        low = whole.low if number == lowest else min(before, close)
        bars.append(Bar(whole.day, minute, before, high, low, close, volume, amount))
        before = close
    return bars


def _shared(total: int, weights: list[int]) -> list[int]:
    """``total`` split by weights, floored; the last part takes the rest."""
    parts = [total * weight // sum(weights) for weight in weights]
    parts[-1] += total - sum(parts)
    return parts


def opened_at(bar: Bar) -> datetime:
    """The begin of a bar, KST."""
    return datetime.combine(bar.day, bar.minute or time(0, 0), KST)
