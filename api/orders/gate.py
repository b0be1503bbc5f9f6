"""The choke point: everything that would send something new to a broker asks here first. Cancels do not: they only take risk away."""

from api.accounts.service import BrokerAccount
from api.domain.enums import Side, TradingState
from api.errors import TradingHalted


def require_may_leave(account: BrokerAccount, side: Side) -> None:
    """Raise `TradingHalted` where the account's trading state forbids the order.

    ``reducing`` lets only sells through: at a cash account a sell can but shrink a position, for the broker refuses to sell what is not
    held.
    """
    if account.trading_state is TradingState.HALTED:
        raise TradingHalted("Trading at this account is halted.")
    if account.trading_state is TradingState.REDUCING and side is not Side.SELL:
        raise TradingHalted("This account may only reduce positions.")
