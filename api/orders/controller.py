"""Routes of orders and fills."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from msgspec import Struct

from api.auth.principal import Principal
from api.domain.enums import OrderStatus
from api.errors import InvalidRequest, LucyError
from api.kit.cursors import decode_cursor, encode_cursor
from api.orders.resolving import Evidence, OrderResolver
from api.orders.schemas import (
    BrokerCandidate,
    Fill,
    FillPage,
    Order,
    OrderChange,
    OrderEvidence,
    OrderHistory,
    OrderPage,
    PlaceOrder,
    ReplaceOrder,
    ResolveOrder,
)
from api.orders.sending import Outcome, Placed
from api.orders.service import OrderService
from api.problems import answers, problems

_STATUS = {Outcome.DONE: 201, Outcome.REPLAYED: 200, Outcome.UNKNOWN: 202}
_CHANGE_STATUS = {Outcome.DONE: 200, Outcome.REPLAYED: 200, Outcome.UNKNOWN: 202}
_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the order.")
_OPEN = "open"


class CancelAll(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose open orders to cancel; without an account, those of every account that the caller may trade."""

    account_id: str | None = None


class CancelResult(Struct, kw_only=True, frozen=True):
    """What became of one order's cancel. ``status_code`` is what the single call would have answered."""

    order_id: str
    status_code: int
    order: Order | None
    code: str | None
    detail: str | None


class CancelResults(Struct, kw_only=True, frozen=True):
    """One result an order."""

    items: list[CancelResult]


class OrderController(Controller):
    """Place, change, cancel and read orders."""

    path = "/orders"
    tags = ["orders"]  # noqa: RUF012 - Litestar declares it so

    @post(
        operation_id="placeOrder",
        summary="Place an order",
        responses=answers(Order, 200, 202) | problems(400, 401, 403, 404, 409, 422, 429, 502, 503),
    )
    async def place_order(
        self,
        data: JSONBody[PlaceOrder],
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
        idempotency_key: Annotated[
            str | None,
            HeaderParameter(name="Idempotency-Key", max_length=64, description="A synonym of client_order_id, for clients that prefer it."),
        ] = None,
    ) -> Response[Order]:
        """Place one order at one account.

        201: the broker took or refused it (see ``status``). 202: sent, outcome unknown; never send it again, listen or ask. 200: this
        ``client_order_id`` was used before, the stored order.
        """
        placed = await order_service.place(principal, with_key(data, idempotency_key))
        return _answer(placed, _STATUS[placed.outcome])

    @get(operation_id="listOrders", summary="List orders", responses=problems(400, 401, 404, 422))
    async def list_orders(
        self,
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
        account_id: Annotated[str | None, QueryParameter(description="One account; all that the caller may see otherwise.")] = None,
        status: Annotated[
            list[str] | None, QueryParameter(description="One or more statuses, or `open` for all that are not terminal.")
        ] = None,
        symbol: Annotated[str | None, QueryParameter(description="One symbol.")] = None,
        from_day: Annotated[date | None, QueryParameter(name="from", description="First KST trading day.")] = None,
        to_day: Annotated[date | None, QueryParameter(name="to", description="Last KST trading day.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")] = None,
    ) -> OrderPage:
        """The caller's orders, newest first."""
        query = _query(status, symbol, from_day, to_day)
        before_id = decode_cursor(cursor)
        orders = await order_service.list_page(principal, query, account_id=account_id, limit=limit, before_id=before_id)
        return OrderPage(
            items=[Order.of(order) for order in orders[:limit]],
            next_cursor=encode_cursor(orders[limit - 1].id) if len(orders) > limit else None,
        )

    @get("/{order_id:str}", operation_id="getOrder", summary="One order", responses=problems(401, 404))
    async def get_order(
        self,
        order_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
    ) -> Order:
        """One order with its fills."""
        return Order.of(await order_service.get(principal, order_id))

    @get("/{order_id:str}/history", operation_id="getOrderHistory", summary="An order's history", responses=problems(401, 404))
    async def get_history(
        self,
        order_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
    ) -> OrderHistory:
        """Everything that happened to the order, oldest first."""
        order = await order_service.get(principal, order_id)
        return OrderHistory(order_id=order.id, items=[OrderChange.of(change) for change in order.history])

    @patch(
        "/{order_id:str}",
        operation_id="replaceOrder",
        summary="Change an order",
        responses=answers(Order, 202) | problems(400, 401, 403, 404, 409, 422, 429, 502, 503),
    )
    async def replace_order(
        self,
        order_id: Annotated[str, _ID],
        data: JSONBody[ReplaceOrder],
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
    ) -> Response[Order]:
        """Change quantity (down) or price. 200: the broker took it, ``pending_replace`` until the exchange confirms. 202: unknown."""
        placed = await order_service.replace(principal, order_id, data)
        return _answer(placed, _CHANGE_STATUS[placed.outcome])

    @delete(
        "/{order_id:str}",
        status_code=200,
        operation_id="cancelOrder",
        summary="Cancel an order",
        responses=answers(Order, 202) | problems(401, 403, 404, 409, 429, 502, 503),
    )
    async def cancel_order(
        self,
        order_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
    ) -> Response[Order]:
        """Cancel all that is open. 200: the broker took it; ``pending_cancel`` until the exchange confirms. 202: outcome unknown."""
        placed = await order_service.cancel(principal, order_id)
        return _answer(placed, _CHANGE_STATUS[placed.outcome])

    @get(
        "/{order_id:str}/evidence",
        operation_id="getOrderEvidence",
        summary="What an unknown order could be",
        responses=problems(401, 404, 409, 429, 502, 503),
    )
    async def get_evidence(
        self,
        order_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        order_resolver: NamedDependency[OrderResolver],
    ) -> OrderEvidence:
        """Of an unknown order: how often the broker's list was read in vain, and the broker orders that could be it, read now."""
        return _evidence(await order_resolver.evidence(principal, order_id))

    @post(
        "/{order_id:str}/resolve",
        status_code=200,
        operation_id="resolveOrder",
        summary="Settle an unknown order by hand",
        responses=problems(400, 401, 403, 404, 409, 422, 429, 502, 503),
    )
    async def resolve_order(
        self,
        order_id: Annotated[str, _ID],
        data: JSONBody[ResolveOrder],
        principal: NamedDependency[Principal],
        order_resolver: NamedDependency[OrderResolver],
    ) -> Order:
        """Say which broker order it is (``adopt``), or that it was not placed (``declare``). Audited; refused once it is settled."""
        if (data.adopt is None) == (data.declare is None):
            raise InvalidRequest("Give either adopt or declare.")
        if data.force and data.declare is None:
            raise InvalidRequest("Only a declaration can be forced.", errors=[{"field": "force", "message": "without declare"}])
        if data.adopt is not None:
            return Order.of(await order_resolver.adopt(principal, order_id, data.adopt, data.note))
        return Order.of(await order_resolver.declare_not_placed(principal, order_id, data.note, is_forced=data.force))

    @post(
        "/cancel-all",
        status_code=207,
        operation_id="cancelAllOrders",
        summary="Cancel all open orders",
        responses=problems(400, 401, 403, 404, 422),
    )
    async def cancel_all(
        self, data: JSONBody[CancelAll], principal: NamedDependency[Principal], order_service: NamedDependency[OrderService]
    ) -> CancelResults:
        """Cancel every open order of one account, or of all; one result an order."""
        results = await order_service.cancel_all(principal, data.account_id)
        return CancelResults(items=[_result(order.id, result) for order, result in results])


class FillController(Controller):
    """Read fills."""

    path = "/fills"
    tags = ["orders"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listFills", summary="List fills", responses=problems(400, 401, 404, 422))
    async def list_fills(
        self,
        principal: NamedDependency[Principal],
        order_service: NamedDependency[OrderService],
        account_id: Annotated[str | None, QueryParameter(description="One account; all that the caller may see otherwise.")] = None,
        symbol: Annotated[str | None, QueryParameter(description="One symbol.")] = None,
        from_day: Annotated[date | None, QueryParameter(name="from", description="First KST trading day.")] = None,
        to_day: Annotated[date | None, QueryParameter(name="to", description="Last KST trading day.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Orders a page; each page holds all fills of its orders.")] = 50,
        cursor: Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")] = None,
    ) -> FillPage:
        """Fills of the caller's orders, those of the newest orders first, an order's own fills newest first."""
        query = _query(None, symbol, from_day, to_day) | {"cumulative_quantity": {"$gt": 0}}
        before_id = decode_cursor(cursor)
        orders = await order_service.list_page(principal, query, account_id=account_id, limit=limit, before_id=before_id)
        return FillPage(
            items=[Fill.of(order, fill) for order in orders[:limit] for fill in reversed(order.fills)],
            next_cursor=encode_cursor(orders[limit - 1].id) if len(orders) > limit else None,
        )


def with_key(request: PlaceOrder, idempotency_key: str | None) -> PlaceOrder:
    """The request with the header's key as its client_order_id; both may be given if they are the same."""
    if idempotency_key is None:
        return request
    if request.client_order_id not in (None, idempotency_key):
        raise InvalidRequest("Idempotency-Key and client_order_id differ; give one of them.")
    document = msgspec.to_builtins(msgspec.structs.replace(request, client_order_id=idempotency_key))
    try:
        return msgspec.convert(document, PlaceOrder)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Idempotency-Key: {error}") from error


def _query(status: list[str] | None, symbol: str | None, from_day: date | None, to_day: date | None) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if status:
        wanted = {word for entry in status for word in entry.split(",") if word}
        names = {entry.value for entry in OrderStatus}
        unknown = wanted - names - {_OPEN}
        if unknown:
            raise InvalidRequest(
                f"There is no order status {', '.join(sorted(unknown))}.", errors=[{"field": "status", "message": "unknown"}]
            )
        if _OPEN in wanted:
            wanted = (wanted - {_OPEN}) | (names - {"filled", "canceled", "rejected", "expired"})
        query["status"] = {"$in": sorted(wanted)}
    if symbol is not None:
        query["symbol"] = symbol
    days = {"$gte": from_day and from_day.isoformat(), "$lte": to_day and to_day.isoformat()}
    bounds = {operator: day for operator, day in days.items() if day}
    return query | ({"trading_day": bounds} if bounds else {})


def _answer(placed: Placed, status_code: int) -> Response[Order]:
    stages = placed.order.stages
    headers = {}
    if placed.outcome is Outcome.REPLAYED:
        headers["Idempotent-Replayed"] = "true"
    elif stages.stored_at and stages.sent_at and stages.answered_at:
        parts = {
            "store": stages.stored_at - stages.received_at,
            "broker": stages.answered_at - stages.sent_at,
        }
        headers["Server-Timing"] = ", ".join(f"{name};dur={span.total_seconds() * 1000:.0f}" for name, span in parts.items())
    return Response(Order.of(placed.order), status_code=status_code, headers=headers)


def _evidence(found: Evidence) -> OrderEvidence:
    shape = (found.order.quantity, found.order.limit_price or 0)
    return OrderEvidence(
        order=Order.of(found.order),
        readings=found.check.readings,
        first_at=found.check.first_at,
        last_at=found.check.last_at,
        statement_size=found.check.statement_size,
        candidates=[
            BrokerCandidate(
                order_number=row.order_number,
                symbol=row.symbol,
                side=row.side,
                order_type=row.order_type,
                quantity=row.quantity,
                limit_price=row.limit_price,
                cumulative_quantity=row.cumulative_quantity,
                leaves_quantity=row.leaves_quantity,
                ordered_at=row.ordered_at,
                is_alike=(row.quantity, row.limit_price or 0) == shape,
            )
            for row in found.candidates
        ],
    )


def _result(order_id: str, result: Placed | LucyError) -> CancelResult:
    if isinstance(result, LucyError):
        return CancelResult(order_id=order_id, status_code=result.status, order=None, code=result.code, detail=result.detail)
    return CancelResult(order_id=order_id, status_code=_CHANGE_STATUS[result.outcome], order=Order.of(result.order), code=None, detail=None)
