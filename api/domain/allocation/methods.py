"""What each line of an allocation plan should get, exactly: one function a method, all in `METHODS`.

Two kinds. A *dividing* method takes the block's quantity and gives each line its weight in it. A *deriving* method gives each line a
quantity of its own, from its fund's money or holding, and the block's quantity is their sum; a share left over belongs to nobody, for each
fund's money is its own.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from api.domain.enums import Side


class Method(StrEnum):
    """How a plan divides. The Korean names are those that managers use."""

    EQUAL = "equal"
    RATIO = "ratio"
    FIXED_QUANTITY = "fixed_quantity"
    AMOUNT = "amount"
    FUND_SIZE = "fund_size"
    TARGET_WEIGHT = "target_weight"
    FUND_CHANGE = "fund_change"
    HOLDING_CHANGE = "holding_change"
    AVAILABLE_CASH = "available_cash"
    SELL_ALL = "sell_all"


KOREAN_NAMES: Mapping[Method, str] = {
    Method.EQUAL: "균등",
    Method.RATIO: "비율",
    Method.FIXED_QUANTITY: "수량지정",
    Method.AMOUNT: "금액지정",
    Method.FUND_SIZE: "펀드규모비",
    Method.TARGET_WEIGHT: "NAV대비",
    Method.FUND_CHANGE: "단순증감",
    Method.HOLDING_CHANGE: "보유증감",
    Method.AVAILABLE_CASH: "가용현금비",
    Method.SELL_ALL: "전량매도",
}


class InvalidPlan(ValueError):
    """A plan or block that cannot be divided, such as weights that are all 0."""


class Line(Struct, kw_only=True, frozen=True):
    """One line of a plan, a fund at an account, with the facts that it is divided by.

    Attributes:
        id: Of the line; ties are broken by it.
        value: What the method reads of the plan: a weight (``ratio``), shares (``fixed_quantity``), won (``amount``) or percent
            (``target_weight``, ``fund_change``, ``holding_change``: above 0 buys, below sells). Not read by the others.
        minimum: Shares; a line that would get fewer gets none.
        maximum: Shares; None: no maximum.
        fund_value: Net asset value of the fund, won; the same for each of its lines.
        fund_cash: Won of the fund's budget that are not used yet; the same for each of its lines.
        holding: Shares of the fund at the account.
        sellable: Of these, shares that are in no open sale.
    """

    id: str
    fund_id: str
    account_id: str
    value: Fraction = Fraction(0)
    minimum: int = 0
    maximum: int | None = None
    fund_value: int = 0
    fund_cash: int = 0
    holding: int = 0
    sellable: int = 0


def max_quantity(amount: int | Fraction, price: int, fee_rate: Fraction) -> int:
    """The most shares that ``amount`` won buy at ``price``, the fee included and rounded up to the won.

    No broker publishes how it rounds its fee; rounded up, the amount is never exceeded.
    """
    quantity = int(Fraction(amount) / (price * (1 + fee_rate)))
    while quantity > 0 and cost(quantity, price, fee_rate) > amount:
        quantity -= 1
    return max(quantity, 0)


def cost(quantity: int, price: int, fee_rate: Fraction) -> int:
    """Won that ``quantity`` shares cost with the fee, rounded up."""
    return quantity * price + -int(-(quantity * price * fee_rate) // 1)


def _equal(lines: Sequence[Line]) -> list[Fraction]:
    return [Fraction(1)] * len(lines)


def _ratio(lines: Sequence[Line]) -> list[Fraction]:
    return [line.value for line in lines]


def _fund_size(lines: Sequence[Line]) -> list[Fraction]:
    return _by_fund(lines, [line.fund_value for line in lines])


def _available_cash(lines: Sequence[Line]) -> list[Fraction]:
    return _by_fund(lines, [line.fund_cash for line in lines])


def _by_fund(lines: Sequence[Line], values: Sequence[int]) -> list[Fraction]:
    counts = Counter(line.fund_id for line in lines)  # a fund with two lines counts once, half at each
    return [Fraction(value, counts[line.fund_id]) for line, value in zip(lines, values, strict=True)]


def _fixed_quantity(line: Line, side: Side, price: int, fee_rate: Fraction) -> Fraction:
    return line.value if side is Side.BUY else -line.value


def _amount(line: Line, side: Side, price: int, fee_rate: Fraction) -> Fraction:
    if side is Side.SELL:
        return -line.value / price
    return Fraction(max_quantity(line.value, price, fee_rate))


def _target_weight(line: Line, side: Side, price: int, fee_rate: Fraction) -> Fraction:
    return line.value / 100 * line.fund_value / price - line.holding


def _fund_change(line: Line, side: Side, price: int, fee_rate: Fraction) -> Fraction:
    return line.value / 100 * line.fund_value / price


def _holding_change(line: Line, side: Side, price: int, fee_rate: Fraction) -> Fraction:
    return line.value / 100 * line.holding


def _sell_all(line: Line, side: Side, price: int, fee_rate: Fraction) -> Fraction:
    return Fraction(-line.sellable)


DIVIDING: Mapping[Method, Callable[[Sequence[Line]], list[Fraction]]] = {
    Method.EQUAL: _equal,
    Method.RATIO: _ratio,
    Method.FUND_SIZE: _fund_size,
    Method.AVAILABLE_CASH: _available_cash,
}
"""Weights of the lines; the block's quantity is given."""

DERIVING: Mapping[Method, Callable[[Line, Side, int, Fraction], Fraction]] = {
    Method.FIXED_QUANTITY: _fixed_quantity,
    Method.AMOUNT: _amount,
    Method.TARGET_WEIGHT: _target_weight,
    Method.FUND_CHANGE: _fund_change,
    Method.HOLDING_CHANGE: _holding_change,
    Method.SELL_ALL: _sell_all,
}
"""Shares that a line wants at a price: above 0 bought, below sold. The block's quantity is what the lines want on its side."""


ONLY_SIDE: Mapping[Method, Side] = {Method.AVAILABLE_CASH: Side.BUY, Method.SELL_ALL: Side.SELL}
"""Methods that make sense on one side alone."""


def weights_of(method: Method, lines: Sequence[Line]) -> list[Fraction]:
    """Weights under a dividing method.

    Raises:
        InvalidPlan: There is no line, one is negative, or all are 0.
    """
    weights = DIVIDING[method](lines)
    if any(weight < 0 for weight in weights):
        raise InvalidPlan("No line may have a negative weight.")
    if not any(weights):
        raise InvalidPlan(f"No line has a weight to divide by {method.value}.")
    return weights
