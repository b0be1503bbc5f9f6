"""Reading ``H0STCNT0`` and sharing out the slots of a session."""

import pytest

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis import feed as feed_module
from api.brokers.kis.feed import KisQuoteFeed, parse_trades
from api.brokers.kis.messages import Control, ControlBody, ControlHeader
from api.brokers.market_data import LastTrade

pytestmark = pytest.mark.asyncio


def record(symbol: str = "005930", *, width: int = 47, **fields: str) -> str:
    """A trade with a different number in every field that nobody names."""
    texts = [str(1_000 + index) for index in range(width)]
    texts[0] = symbol
    for index, text in {2: "67050", 3: "5", 4: "-750", 5: "-1.11", 7: "67800", 8: "68000", 9: "66900"}.items():
        texts[index] = text
    for name, text in fields.items():
        texts[int(name.removeprefix("field"))] = text
    return "^".join(texts)


def frame(*records: str) -> str:
    return f"0|H0STCNT0|{len(records):03d}|{'^'.join(records)}"


def answer(code: str, symbol: str) -> Control:
    return Control(header=ControlHeader(tr_id="H0STCNT0", tr_key=symbol), body=ControlBody(rt_cd="0", msg_cd=code))


class Wire:
    """What the feed sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def send(self, kind: str, symbol: str) -> None:
        self.sent.append((kind, symbol))


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    monkeypatch.setattr(feed_module, "_PAUSE_SECONDS", 0.0)
    return Wire()


async def followed(feed: KisQuoteFeed, symbols: list[str], code: str = "OPSP0000") -> None:
    """Ask until nothing changes, KIS answering everything with ``code``."""
    for _ in range(20):
        await feed.follow(symbols)
    for symbol in symbols:
        feed.take_answer(answer(code, symbol))


@pytest.mark.parametrize("width", [46, 47, 50])
async def test_a_trade_is_read_in_every_width(width: int) -> None:
    assert parse_trades(frame(record(width=width))) == [
        LastTrade(
            symbol="005930",
            price=67_050,
            change=-750,
            change_rate="-1.11",
            open_price=67_800,
            high_price=68_000,
            low_price=66_900,
            volume=1_013,
            turnover_amount=1_014,
        )
    ]


async def test_a_change_without_its_sign_gets_it_from_the_code() -> None:
    assert [trade.change for trade in parse_trades(frame(record(field4="750"), record(field4="750", field3="2")))] == [-750, 750]


@pytest.mark.parametrize(
    "text",
    [
        "0|H0STCNT0|001",
        "1|H0STCNT0|001|" + record(),
        "0|H0STCNT0|002|" + record(),
        "0|H0STCNT0|000|",
        "0|H0STCNT0|one|" + record(),
        frame(record(width=45)),
        frame(record(field2="67,050")),
        frame(record(field13="")),
    ],
)
async def test_what_is_no_trade_is_an_error_and_never_a_guess(text: str) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_trades(text)


async def test_only_what_kis_acknowledged_is_told_and_of_each_symbol_the_newest(wire: Wire) -> None:
    feed = KisQuoteFeed(wire.send)
    await followed(feed, ["005930"])
    await feed.follow(["005930", "000660"])

    feed.take_frame(frame(record(field2="67000"), record(field2="67100"), record("000660")))
    feed.take_frame("0|H0STCNT0|001|broken")

    assert feed.followed == {"005930"}
    assert [(trade.symbol, trade.price) for trade in feed.take_trades()] == [("005930", 67_100)]
    assert feed.take_trades() == []


async def test_a_slot_is_the_notices_and_the_first_asked_for_get_the_others(wire: Wire) -> None:
    feed = KisQuoteFeed(wire.send)
    symbols = [f"{number:06d}" for number in range(1, 60)]

    await followed(feed, symbols)
    first = feed.followed
    await followed(feed, symbols[10:])

    assert first == set(symbols[:40])
    assert feed.followed == set(symbols[10:50])
    assert [symbol for kind, symbol in wire.sent if kind == "2"] == symbols[:10]
    assert len(wire.sent) == 40 + 10 + 10


async def test_where_kis_has_no_slot_left_it_is_not_asked_on_and_on(wire: Wire) -> None:
    feed = KisQuoteFeed(wire.send)
    await followed(feed, ["000001"])
    await feed.follow(["000001", "000002"])

    feed.take_answer(answer("OPSP0008", "000002"))
    await feed.follow(["000001", "000002"])
    await feed.follow(["000002"])  # the one that we hold is free for another
    await feed.follow(["000002"])

    assert wire.sent == [("1", "000001"), ("1", "000002"), ("2", "000001"), ("1", "000002")]


async def test_a_symbol_that_kis_refuses_is_left_alone(wire: Wire) -> None:
    feed = KisQuoteFeed(wire.send)
    await followed(feed, ["999999"], "OPSP8992")

    await feed.follow(["999999"])

    assert (wire.sent, feed.followed) == ([("1", "999999")], frozenset())


async def test_the_answer_to_letting_go_is_no_refusal_of_what_is_asked_again(wire: Wire) -> None:
    feed = KisQuoteFeed(wire.send)
    await followed(feed, ["005930"])
    await feed.follow([])
    await feed.follow(["005930"])

    feed.take_answer(answer("OPSP0001", "005930"))
    feed.take_answer(answer("OPSP0000", "005930"))

    assert feed.followed == {"005930"}
