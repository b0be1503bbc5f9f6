"""Frames against the captured and documented examples of the protocol notes."""

import pytest

from api.brokers.sandbox.exchange import Behavior
from api.brokers.sandbox.kis.frames import encrypt, notice
from api.brokers.sandbox.model import Condition, EventKind, OrderType
from tests.unit.brokers.sandbox.market import PRICE, SYMBOL, Market

# the documented test vector: the "partial fill 3" record, with the key and iv of the documented acknowledgement
_KEY, _IV = "abcdefghijklmnopqrstuvwxyzabcdef", "0123456789abcdef"
_PLAIN = (
    "myhtsid^1234567801^0000001562^^02^0^00^0^005930^0000000003^000071000^092702^0^2^2^00950^000000010^홍길동^1Y^10^^삼성전자^000071000"
)
_ENCRYPTED = (
    "Esi/bbGpOGBzzfHqUqTiSz9AKIHAMrnJl1aa6JHjC4C9+G7ZfQ8vghmEExIKzxeu8KlsBYUrYEv1NUOxTW+WGo3Q9kZ9p+loQjmco8nqtu9/tsXASHTaHCuPxoILKe7oqqytKcWruPma"
    "CrtiMp4CZ8DIj7lfFpBUlWk5+Pya7znA2HEzjkbKg1sqO7isBKOe"
)


@pytest.fixture
async def market() -> Market:
    return Market()


def test_encryption_gives_the_documented_vector() -> None:
    assert encrypt(_PLAIN, _KEY, _IV) == _ENCRYPTED


def fields(market: Market, index: int, layout: str = "26") -> list[str]:
    text = notice(market.events[index], layout)
    assert text is not None
    return text.split("^")


async def test_acceptance_and_fill_have_the_documented_codes(market: Market) -> None:
    order = market.order("buy", 10)
    account = market.account

    accepted, filled = fields(market, 0), fields(market, 1)

    assert (len(accepted), len(filled)) == (26, 26)
    assert accepted[:11] == [
        account.hts_id,
        account.number,
        order.order_number,
        "",
        "02",
        "0",
        "00",
        "0",
        SYMBOL,
        "0000000010",
        "000071000",
    ]
    assert accepted[12:17] == ["0", "1", "1", "06590", "000000010"]
    assert filled[9:11] == ["0000000010", "000071000"]
    assert filled[12:15] == ["0", "2", "2"]
    assert (filled[19], filled[24], filled[25]) == ("1", "삼성전자", "000071000")


async def test_market_order_shows_no_price_on_acceptance(market: Market) -> None:
    market.order("sell", 10, 0, order_type=OrderType.MARKET, type_code="01")

    accepted = fields(market, 0)

    assert (accepted[4], accepted[6], accepted[10]) == ("01", "01", "000000000")


async def test_cancel_is_told_under_its_own_number_with_the_canceled_quantity(market: Market) -> None:
    order = market.order("buy", 14, PRICE - 1_000)
    market.exchange.cancel(market.account, order.number, quantity=5)
    market.exchange.flush()

    confirmed = fields(market, 2)

    assert market.events[2].kind is EventKind.CANCELED
    assert confirmed[2] != confirmed[3] == order.order_number
    assert (confirmed[5], confirmed[9], confirmed[10], confirmed[13], confirmed[14]) == ("2", "0000000005", "000000000", "1", "2")


async def test_change_is_told_with_its_new_price(market: Market) -> None:
    order = market.order("buy", 10, PRICE - 1_000)
    market.exchange.replace(market.account, order.number, order_type=OrderType.LIMIT, price=PRICE - 500, quantity=None)
    market.exchange.flush()

    confirmed = fields(market, 2)

    assert (confirmed[3], confirmed[5], confirmed[10], confirmed[14]) == (order.order_number, "1", "000070500", "2")


async def test_refusal_and_dropped_remainder_have_their_codes(market: Market) -> None:
    market.exchange.behavior = Behavior(reject_at_exchange=1)
    market.order("buy", 1)
    market.set_level(3)
    market.order("buy", 10, condition=Condition.IOC)

    refused, dropped = fields(market, 1), fields(market, 4)

    assert refused[12:15] == ["1", "1", "1"]
    assert (dropped[7], dropped[9], dropped[14]) == ("1", "0000000007", "3")


async def test_older_layouts_have_23_fields(market: Market) -> None:
    market.order("buy", 10)

    paper, old = fields(market, 1, "23-paper"), fields(market, 1, "23-2024")

    assert (len(paper), len(old)) == (23, 23)
    assert paper[18:] == ["1Y", "10", "", "삼성전자", "000071000"]
    assert old[18:] == ["삼성전자", "10", "", "삼성전자", "000071000"]


async def test_busted_trade_is_not_told(market: Market) -> None:
    order = market.order("buy", 10)
    market.exchange.bust(order, 0)

    assert notice(market.events[-1], "26") is None
