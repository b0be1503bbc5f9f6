"""What can go wrong at a broker: the small set of errors that every adapter raises."""


class BrokerError(Exception):
    """Base of all that can go wrong at a broker."""

    broker: str

    def __init__(self, broker: str, message: str) -> None:
        super().__init__(f"{broker}: {message}")
        self.broker = broker
        self.message = message


class BrokerRejected(BrokerError):
    """The broker refused, and certainly did not do it.

    Attributes:
        code: The broker's own code, verbatim.
        message: The broker's own words, verbatim but trimmed.
    """

    def __init__(self, broker: str, code: str, message: str) -> None:
        super().__init__(broker, f"{code} {message}")
        self.code = code
        self.message = message


class BrokerRateLimited(BrokerError):
    """A call limit: the broker's gateway refused before it did anything, or Lucy's own limiter never sent.

    Attributes:
        retry_after: Seconds after which another try makes sense.
    """

    def __init__(self, broker: str, retry_after: float) -> None:
        super().__init__(broker, f"call limit reached, retry after {retry_after:.2f} s")
        self.retry_after = retry_after


class BrokerTokenExpired(BrokerError):
    """The broker refused the access token before it did anything."""

    def __init__(self, broker: str, code: str) -> None:
        super().__init__(broker, f"access token refused ({code})")
        self.code = code


class BrokerUnavailable(BrokerError):
    """The broker could not be reached, or its answer did not come or told nothing.

    Attributes:
        sent: False only when certainly no byte of the request was written.
    """

    def __init__(self, broker: str, *, sent: bool, reason: str = "no answer") -> None:
        super().__init__(broker, f"{reason} ({'may have been sent' if sent else 'nothing was sent'})")
        self.sent = sent
        self.reason = reason


class BrokerUnsupported(BrokerError):
    """The broker has no such function in this environment; nothing was sent. `Capabilities` tells beforehand."""

    def __init__(self, broker: str, what: str) -> None:
        super().__init__(broker, f"{what} is not offered here")
        self.what = what


class BrokerProtocolError(BrokerError):
    """An answer that does not fit the broker's documents: a field is missing, unparsable, or a code is unknown.

    The request itself was sent; for an order this means that its outcome is unknown.
    """

    def __init__(self, broker: str, tr: str, field: str, problem: str) -> None:
        super().__init__(broker, f"{tr}.{field}: {problem}")
        self.tr = tr
        self.field = field
