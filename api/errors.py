"""Errors that Lucy raises on purpose. This module imports no web framework.

::

    LucyError                       500 internal_error
    ├── InvalidRequest              422 invalid_request
    │   ├── UnknownSymbol           422 unknown_symbol
    │   ├── InstrumentNotTradable   422 instrument_not_tradable
    │   ├── InvalidTick             422 invalid_tick
    │   ├── PriceOutsideLimits      422 price_outside_limits
    │   ├── InvalidQuantity         422 invalid_quantity
    │   ├── InvalidLimitPrice       422 invalid_limit_price
    │   ├── UnsupportedOrder        422 unsupported_order
    │   ├── MarketClosed            422 market_closed
    │   ├── NotOffered              422 broker_unsupported
    │   ├── RiskLimitExceeded       422 risk_limit_exceeded
    │   ├── BlockDoesNotFit         422 block_does_not_fit
    │   └── InvalidCursor           422 invalid_cursor
    ├── NotAuthenticated            401 not_authenticated
    │   ├── TokenExpired            401 token_expired
    │   └── InvalidCredentials      401 invalid_credentials
    ├── Forbidden                   403 forbidden
    │   ├── LiveTradingOff          403 live_trading_off
    │   ├── TradingHalted           403 trading_halted
    │   └── ReducingOnly            403 reducing_only
    ├── NotFound                    404 not_found
    ├── Conflict                    409 conflict
    │   ├── ClientOrderIdReused     409 client_order_id_reused
    │   ├── PossibleDuplicate       409 possible_duplicate
    │   ├── RiskConfirmationRequired 409 risk_confirmation_required
    │   ├── ChangeRefused           409 change_refused
    │   ├── OrderNotOpen            409 order_not_open
    │   ├── OrderBusy               409 order_busy
    │   ├── JobIsRunning            409 job_is_running
    │   └── JobIsFixed              409 job_is_fixed
    ├── TooManyRequests             429 too_many_requests
    ├── Uncertain                   503 uncertain               (what an order depends on cannot be read: nothing is sent)
    │   ├── TradingStateUnknown     503 trading_state_unknown
    │   ├── PositionUnknown         503 position_unknown
    │   └── RiskLimitsUnknown       503 risk_limits_unknown
    └── BrokerProblem               502 broker_error            (renders a BrokerError that reached the caller)

The errors of a broker's adapter, ``BrokerError`` and its family, stand in ``brokers/errors.py``.
"""

from typing import Any, ClassVar


class LucyError(Exception):
    """Base of every error that Lucy raises on purpose.

    Attributes:
        status: HTTP status that answers it.
        code: Stable machine-readable code.
        title: What kind of problem this is, the same for every occurrence.
        is_retryable: Whether the same request may succeed later without a change.
        extra: Further members of the problem document (``order_id``, ``broker_code`` …).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    is_retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra = extra


class InvalidRequest(LucyError):
    """The request is understood and wrong."""

    status, code, title = 422, "invalid_request", "The request is not valid"


class UnknownSymbol(InvalidRequest):
    """No listed instrument has this symbol."""

    code, title = "unknown_symbol", "No instrument has this symbol"


class InstrumentNotTradable(InvalidRequest):
    """The instrument exists and may not be traded now."""

    code, title = "instrument_not_tradable", "The instrument is not tradable"


class InvalidTick(InvalidRequest):
    """The price does not lie on the KRX tick table."""

    code, title = "invalid_tick", "The price is not a multiple of the tick size"


class PriceOutsideLimits(InvalidRequest):
    """The price lies outside the day's upper and lower limit."""

    code, title = "price_outside_limits", "The price is outside the day's limits"


class InvalidQuantity(InvalidRequest):
    """The quantity is not a whole number of lots, or not possible for this order."""

    code, title = "invalid_quantity", "The quantity is not valid"


class InvalidLimitPrice(InvalidRequest):
    """A limit price is missing where the order type needs one, or given where it takes none."""

    code, title = "invalid_limit_price", "The limit price does not fit the order type"


class UnsupportedOrder(InvalidRequest):
    """This broker or venue does not know the combination of order type, time in force and exchange."""

    code, title = "unsupported_order", "The broker does not take this kind of order"


class MarketClosed(InvalidRequest):
    """No session takes this order now."""

    code, title = "market_closed", "The market is closed for this order"


class NotOffered(InvalidRequest):
    """None of the brokers that could be asked has this function; nothing was sent. ``GET /brokers`` tells which has."""

    code, title = "broker_unsupported", "The broker does not offer this"


class HtsIdMissing(InvalidRequest):
    """The broker keeps these lists by the customer's HTS log-in id, and the account has none; ``PATCH /accounts/{id}`` takes it."""

    code, title = "hts_id_missing", "The account has no HTS id"


class RiskLimitExceeded(InvalidRequest):
    """A risk limit that blocks; ``violations`` in ``extra`` lists all that the order would exceed."""

    code, title = "risk_limit_exceeded", "The order exceeds a risk limit"


class BlockDoesNotFit(InvalidRequest):
    """A block of which nothing fits, or not all and its plan wants all or nothing; ``reductions`` in ``extra`` tells why."""

    code, title = "block_does_not_fit", "The block does not fit"


class InvalidBasket(InvalidRequest):
    """A basket of which rows are wrong; ``rows`` in ``extra`` tells each."""

    code, title = "invalid_basket", "Rows of the basket are wrong"


class InvalidCursor(InvalidRequest):
    """A paging cursor that this API did not give."""

    code, title = "invalid_cursor", "The cursor is not valid"


class NotAuthenticated(LucyError):
    """No valid token came with the request."""

    status, code, title = 401, "not_authenticated", "Sign in first"


class TokenExpired(NotAuthenticated):
    """The access token was good and has expired."""

    code, title = "token_expired", "The access token has expired"


class InvalidCredentials(NotAuthenticated):
    """User name and password do not fit; the same for an unknown user."""

    code, title = "invalid_credentials", "The user name or the password is wrong"


class Forbidden(LucyError):
    """The caller is known and may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class LiveTradingOff(Forbidden):
    """A real-money account without ``LUCY_LIVE_TRADING``."""

    code, title = "live_trading_off", "Real-money trading is switched off"


class TradingHalted(Forbidden):
    """A kill switch stands in the way."""

    code, title = "trading_halted", "Trading is halted"


class ReducingOnly(Forbidden):
    """The trading state is ``reducing``, and this would not make a position smaller."""

    code, title = "reducing_only", "Only orders that reduce a position are taken"


class NotFound(LucyError):
    """The resource does not exist, or the caller may not know that it does."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(LucyError):
    """The request contradicts what is stored."""

    status, code, title = 409, "conflict", "The request contradicts the stored state"


class ClientOrderIdReused(Conflict):
    """The client order id was used before with another body."""

    code, title = "client_order_id_reused", "The client order id was used for another order"


class PossibleDuplicate(Conflict):
    """An order like this is in flight or unknown, and the account's setting refuses another."""

    code, title = "possible_duplicate", "An order like this is in flight"


class RiskConfirmationRequired(Conflict):
    """Risk limits that may be exceeded once somebody has said so: the same body with ``confirm``: the codes of ``violations``."""

    code, title = "risk_confirmation_required", "The order exceeds a risk limit: confirm it or leave it"


class ChangeRefused(Conflict):
    """The broker refused a cancel or replace; the order goes on as it was, and may have been filled in the meantime."""

    code, title = "change_refused", "The broker refused the change"


class PartWithdrawn(Conflict):
    """A part of a block that may not leave any more: the block was canceled, or the part was given up, while it was being sent."""

    code, title = "part_withdrawn", "This part of the block was withdrawn"


class OrderNotOpen(Conflict):
    """A cancel or replace came after the order had reached a terminal status."""

    code, title = "order_not_open", "The order is no longer open"


class OrderBusy(Conflict):
    """The order's last request has no known outcome yet; cancel or replace once it has."""

    code, title = "order_busy", "The order has a request in flight"
    is_retryable = True


class JobIsRunning(Conflict):
    """A run of the job waits or runs; its id in ``extra`` as ``run_id``."""

    code, title = "job_is_running", "The job is running"


class JobIsFixed(Conflict):
    """The job's schedule cannot be changed."""

    code, title = "job_is_fixed", "The job's schedule is fixed"


class TooManyRequests(LucyError):
    """A limit of Lucy's or the broker's; ``retry_after_seconds`` in ``extra`` where known."""

    status, code, title = 429, "too_many_requests", "Too many requests"
    is_retryable = True


class Uncertain(LucyError):
    """Something that decides whether an order may leave cannot be read: it does not leave."""

    status, code, title = 503, "uncertain", "It cannot be told whether this is allowed"
    is_retryable = True


class BlockUnknown(Uncertain):
    """Whether a part of a block may still leave cannot be read."""

    code, title = "block_unknown", "The block cannot be read"


class TradingStateUnknown(Uncertain):
    """The trading states cannot be read."""

    code, title = "trading_state_unknown", "The trading state cannot be read"


class PositionUnknown(Uncertain):
    """What an account holds or can take decides, and the broker does not tell it."""

    code, title = "position_unknown", "The position cannot be read"


class RiskLimitsUnknown(Uncertain):
    """The risk limits, or what was used of them, cannot be read."""

    code, title = "risk_limits_unknown", "The risk limits cannot be checked"


class BrokerProblem(LucyError):
    """A broker did not do what was asked; ``broker_code`` and ``broker_message`` in ``extra`` where it said why."""

    status, code, title = 502, "broker_error", "The broker did not answer as expected"
    is_retryable = True
