"""What both front doors share: the market, the faults, the notices, the limits, and the sockets of each broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from .exchange import Exchange
from .faults import Faults
from .history import History
from .limits import Limits
from .model import Account, Broker
from .notices import Notices
from .sockets import Sockets


class TokenStore(Protocol):
    """A front door's tokens, as far as the control API touches them."""

    def expire_all(self) -> int:
        """Let every token expire now; how many there were."""
        ...

    def forget_other_than(self, accounts: list[Account]) -> None:
        """After a reset: drop the tokens of accounts that are gone, keep the others, forget when they were issued."""
        ...


@dataclass(slots=True)
class Doors:
    """Handed to each front door's ``create_app``.

    Attributes:
        tokens: Filled in by the front doors when they are created.
        variants: Wire variants that a test selected, by name (the control API's ``PUT /variants``).
        known_variants: The names and values there are, the default first; the front doors add theirs.
        on_reset: Called after a reset, for state that a front door keeps itself.
        history: Bars and rankings of the exchange.
    """

    exchange: Exchange
    faults: Faults = field(default_factory=Faults)
    notices: Notices = field(default_factory=Notices)
    limits: Limits = field(default_factory=Limits)
    sockets: dict[Broker, Sockets] = field(default_factory=lambda: {broker: Sockets() for broker in Broker})
    tokens: dict[Broker, TokenStore] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    known_variants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    on_reset: list[Callable[[], None]] = field(default_factory=list)
    history: History = field(init=False)

    def __post_init__(self) -> None:
        self.history = History(self.exchange)

    def variant(self, name: str) -> str:
        """The value in force of a wire variant."""
        return self.variants.get(name) or self.known_variants[name][0]

    async def settle_notices(self, broker: Broker) -> None:
        """Before the answer to an order request: where notices are to go out first, send them and wait until they are written."""
        if self.notices.answers_last(broker):
            self.exchange.flush()
            await self.sockets[broker].drained()

    def reset(self) -> None:
        """Everything as after a start; the websockets stay open, the tokens of the default accounts stay valid."""
        self.exchange.reset()
        self.history.reset()
        self.faults.clear()
        self.notices.reset()
        self.limits.reset()
        self.variants.clear()
        for broker in Broker:
            self.sockets[broker].is_muted = False
            if broker in self.tokens:
                self.tokens[broker].forget_other_than(self.exchange.accounts)
        for callback in self.on_reset:
            callback()
