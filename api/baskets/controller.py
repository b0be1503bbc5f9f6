"""Routes of baskets."""

from collections.abc import Sequence
from typing import Annotated, cast

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from msgspec import UNSET, UnsetType

from api.auth.principal import Principal
from api.baskets.reading import read_csv, template
from api.baskets.repository import StoredBasket
from api.baskets.schemas import (
    Basket,
    BasketCheck,
    BasketPage,
    BasketResults,
    BasketSummary,
    PlaceBasket,
    PlacedRow,
    ResumeBasket,
    RowProblem,
    RowRequest,
)
from api.baskets.service import BasketService
from api.bodies import StrictRequest
from api.errors import Forbidden, InvalidRequest
from api.kit.cursors import decode_cursor, encode_cursor
from api.orders.schemas import Confirmed, Order
from api.problems import answers, problems
from api.risk.limits import LimitCode

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the basket.")
_CSV = "text/csv"


class BasketController(Controller):
    """Many orders at once."""

    path = "/orders"
    tags = ["orders"]  # noqa: RUF012 - Litestar declares it so

    @post(
        "/basket",
        operation_id="placeBasket",
        summary="Place many orders",
        status_code=207,
        responses=answers(BasketCheck, 200) | problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
    )
    async def place(
        self,
        request: StrictRequest,
        principal: NamedDependency[Principal],
        basket_service: NamedDependency[BasketService],
        client_basket_id: Annotated[
            str | None, QueryParameter(pattern=r"^[\x21-\x7e]{1,64}$", description="For a CSV file: as in the JSON body.")
        ] = None,
        allow_duplicates: Annotated[bool, QueryParameter(description="For a CSV file: as in the JSON body.")] = False,
        confirm: Annotated[list[LimitCode] | None, QueryParameter(description="For a CSV file: as in the JSON body.")] = None,
        dry_run: Annotated[bool, QueryParameter(description="Only judge the rows: nothing is stored or sent.")] = False,
        idempotency_key: Annotated[
            str | None, HeaderParameter(name="Idempotency-Key", max_length=64, description="A synonym of client_basket_id.")
        ] = None,
    ) -> Response[BasketResults]:
        """Judge all rows, then send all; one result a row, none stops another.

        JSON, or a CSV file (UTF-8 or CP949; see the template), whose ``row`` is the line. 422 `invalid_basket`: `rows` tells all that is
        wrong; nothing was sent. The same ``client_basket_id`` again doubles nothing: what was sent is told again, what certainly never left
        is sent. Orders of a basket are ordinary ones.
        """
        _require_trader(principal)
        found: Sequence[RowProblem] = ()
        confirmed: Confirmed | UnsetType = UNSET if confirm is None else confirm
        if request.is_csv:
            rows, found = read_csv(await request.body())
        else:
            data: PlaceBasket = await request.read_json(PlaceBasket)
            rows = dict(enumerate(data.orders, 1))
            client_basket_id = _one_name(data.client_basket_id, client_basket_id)
            allow_duplicates = allow_duplicates or data.allow_duplicates
            confirmed = confirmed if data.confirm is UNSET else data.confirm
        name = _one_name(client_basket_id, idempotency_key)
        basket = None if dry_run or found else await basket_service.stored(principal, name, rows)
        if basket is None:
            requests = await basket_service.check(principal, rows, found, allow_duplicates=allow_duplicates)
            if dry_run:
                return cast("Response[BasketResults]", Response(basket_service.summary(requests), status_code=200))
            basket = await basket_service.store(principal, name, rows, requests)
        return Response(await _send(basket_service, principal, basket, confirmed), status_code=207)

    @get("/basket/template", operation_id="getBasketTemplate", summary="A CSV file to begin with", media_type=_CSV, responses=problems(401))
    async def get_template(self, principal: NamedDependency[Principal], basket_service: NamedDependency[BasketService]) -> Response[bytes]:
        """The header, and examples that are passed over until the ``#`` is taken away."""
        headers = {"Content-Disposition": 'attachment; filename="basket.csv"'}
        return Response(template(await basket_service.an_account(principal)), media_type=_CSV, headers=headers)

    @get("/baskets", operation_id="listBaskets", summary="List baskets", responses=problems(400, 401, 422))
    async def list_baskets(
        self,
        principal: NamedDependency[Principal],
        basket_service: NamedDependency[BasketService],
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")] = None,
    ) -> BasketPage:
        """The caller's own, newest first."""
        found = await basket_service.list_page(principal, limit=limit, before_id=decode_cursor(cursor))
        return BasketPage(
            items=[
                BasketSummary(id=basket.id, client_basket_id=basket.client_basket_id, rows=basket.rows, created_at=basket.created_at)
                for basket in found[:limit]
            ],
            next_cursor=encode_cursor(found[limit - 1].id) if len(found) > limit else None,
        )

    @get("/baskets/{basket_id:str}", operation_id="getBasket", summary="One basket", responses=problems(401, 404))
    async def get_basket(
        self, basket_id: Annotated[str, _ID], principal: NamedDependency[Principal], basket_service: NamedDependency[BasketService]
    ) -> Basket:
        """The caller's basket, with its orders as they are now."""
        basket, orders = await basket_service.get(principal, basket_id)
        return Basket(
            id=basket.id,
            client_basket_id=basket.client_basket_id,
            items=[
                PlacedRow(
                    row=row.row,
                    client_order_id=row.client_order_id,
                    request=RowRequest.of(row.order),
                    order=Order.of(orders[row.client_order_id]) if row.client_order_id in orders else None,
                )
                for row in basket.rows
            ],
            created_at=basket.created_at,
        )

    @post(
        "/baskets/{basket_id:str}/resume",
        operation_id="resumeBasket",
        summary="Send what has not left of a basket",
        status_code=207,
        responses=problems(400, 401, 403, 404, 422, 429, 503),
    )
    async def resume(
        self,
        basket_id: Annotated[str, _ID],
        data: JSONBody[ResumeBasket],
        principal: NamedDependency[Principal],
        basket_service: NamedDependency[BasketService],
    ) -> BasketResults:
        """As the same basket again, for who no longer has the file: what was sent is told again, what certainly never left is sent."""
        _require_trader(principal)
        basket = await basket_service.find(principal, basket_id)
        return await _send(basket_service, principal, basket, data.confirm)


async def _send(service: BasketService, principal: Principal, basket: StoredBasket, confirm: Confirmed | UnsetType) -> BasketResults:
    items = await service.send(principal, basket, confirm)
    return BasketResults(id=basket.id, client_basket_id=basket.client_basket_id, items=items)


def _require_trader(principal: Principal) -> None:
    if not principal.may_trade:
        raise Forbidden("Your role or key may only read.")


def _one_name(name: str | None, other: str | None) -> str | None:
    if None not in (name, other) and name != other:
        raise InvalidRequest("The basket has two names: client_basket_id in the body, in the query and Idempotency-Key are one.")
    return name or other
