"""How fill notices travel from the broker to its websockets: at once, or as badly as a test wants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .model import Broker

DEFAULT_MILLISECONDS = 200

Send = Callable[[], None]


class NoticeMode(StrEnum):
    """What may happen to a notice; ``probability`` says to how many of them."""

    NORMAL = "normal"
    DUPLICATE = "duplicate"  # sent twice
    DELAY = "delay"  # sent so many milliseconds later; later ones may overtake it
    REORDER = "reorder"  # sent after its successor, or after so many milliseconds where none comes
    BEFORE_ANSWER = "before_answer"  # sent before the REST answer of the request that caused it
    LOSE = "lose"  # never sent


@dataclass(slots=True, frozen=True)
class NoticePlan:
    """A broker's mode in force."""

    mode: NoticeMode = NoticeMode.NORMAL
    probability: float = 1.0
    milliseconds: int = DEFAULT_MILLISECONDS


class Notices:
    """Sends notices by the plan of their broker."""

    def __init__(self, random_source: random.Random | None = None) -> None:
        self._random = random_source or random.Random()
        self.plans: dict[Broker, NoticePlan] = dict.fromkeys(Broker, NoticePlan())
        self._held: dict[Broker, list[Send]] = {broker: [] for broker in Broker}

    def reset(self) -> None:
        """All notices travel normally; what was held back is forgotten."""
        self.plans = dict.fromkeys(Broker, NoticePlan())
        self._held = {broker: [] for broker in Broker}

    def set_plan(self, broker: Broker, plan: NoticePlan) -> None:
        """Change how a broker's notices travel; what was held back goes out."""
        self._release(broker)
        self.plans[broker] = plan

    def _hits(self, plan: NoticePlan) -> bool:
        return plan.probability >= 1 or self._random.random() < plan.probability

    def answers_last(self, broker: Broker) -> bool:
        """Whether this request's notices go out before its answer."""
        plan = self.plans[broker]
        return plan.mode is NoticeMode.BEFORE_ANSWER and self._hits(plan)

    def dispatch(self, broker: Broker, send: Send) -> None:
        """Send one notice, or not, or later, or twice. ``send`` puts it on the sockets of those who listen by then."""
        plan = self.plans[broker]
        if plan.mode in {NoticeMode.NORMAL, NoticeMode.BEFORE_ANSWER} or not self._hits(plan):
            send()
            self._release(broker)
            return
        match plan.mode:
            case NoticeMode.DUPLICATE:
                send()
                send()
            case NoticeMode.DELAY:
                asyncio.get_running_loop().call_later(plan.milliseconds / 1_000, send)
            case NoticeMode.REORDER if self._held[broker]:
                send()
                self._release(broker)
            case NoticeMode.REORDER:
                self._held[broker].append(send)
                asyncio.get_running_loop().call_later(plan.milliseconds / 1_000, self._release_one, broker, send)
            case _:
                return  # lost

    def _release(self, broker: Broker) -> None:
        held, self._held[broker] = self._held[broker], []
        for send in held:
            send()

    def _release_one(self, broker: Broker, send: Send) -> None:
        if send in self._held[broker]:
            self._held[broker].remove(send)
            send()
