"""Routes of the brokers' capabilities: generated from the adapters, so that what is told is what is checked."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from litestar import Controller, get
from litestar.di import NamedDependency

from api.auth.principal import Principal
from api.brokers.capabilities import Capabilities, Inquiry
from api.brokers.limits import CallLimitRow
from api.brokers.registry import BrokerRegistry
from api.capabilities.schemas import BrokerCapabilities, BrokerList, CallLimit, OrderKind
from api.domain.enums import PRICED_ORDER_TYPES, Broker, CandleInterval, Environment, Exchange, OrderType, RankingKind, TimeInForce
from api.problems import problems
from api.settings import Settings

Word = TypeVar("Word", bound=StrEnum)


class BrokerController(Controller):
    """What the brokers offer."""

    path = "/brokers"
    tags = ["accounts"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listBrokers", summary="What each broker offers", responses=problems(401))
    async def list_brokers(
        self, principal: NamedDependency[Principal], broker_registry: NamedDependency[BrokerRegistry], settings: NamedDependency[Settings]
    ) -> BrokerList:
        """Order kinds and inquiries by broker and environment: what a client may offer its user for an account."""
        return BrokerList(
            items=[
                to_wire(
                    broker,
                    environment,
                    broker_registry.capabilities(broker, environment),
                    broker_registry.call_limits(broker, environment),
                )
                for broker in Broker
                for environment in Environment
                if environment is not Environment.SANDBOX or settings.is_local
            ]
        )


def to_wire(
    broker: Broker, environment: Environment, capabilities: Capabilities, call_limits: Iterable[CallLimitRow]
) -> BrokerCapabilities:
    """The wire form, in the order of the word lists, so that it is the same at each call."""
    return BrokerCapabilities(
        broker=broker,
        environment=environment,
        order_kinds=[
            OrderKind(
                order_type=order_type, time_in_force=time_in_force, exchanges=exchanges, has_limit_price=order_type in PRICED_ORDER_TYPES
            )
            for order_type in OrderType
            for time_in_force in TimeInForce
            if (exchanges := [each for each in Exchange if (order_type, time_in_force, each) in capabilities.order_kinds])
        ],
        replaceable_order_types=_in_order(OrderType, capabilities.replaceable_order_types),
        can_increase_quantity=capabilities.can_increase_quantity,
        inquiries=_in_order(Inquiry, capabilities.inquiries),
        candle_intervals=_in_order(CandleInterval, capabilities.candle_intervals),
        rankings=_in_order(RankingKind, capabilities.rankings),
        has_quote_feed=capabilities.has_quote_feed,
        call_limits=[
            CallLimit(
                tr=row.tr,
                calls=row.limit.calls,
                window_seconds=row.limit.window_seconds,
                as_of=row.limit.as_of,
                source=row.limit.source,
            )
            for row in call_limits
        ],
    )


def _in_order(words: type[Word], known: Iterable[Word]) -> list[Word]:
    wanted = frozenset(known)
    return [word for word in words if word in wanted]
