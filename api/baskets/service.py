"""Baskets: all rows are judged before the first is sent, and what is decided is stored before that.

Each order's client order id is derived from the basket's id and the row: so the same basket again, after a crash or a broken connection,
goes on where it stopped and doubles nothing.
"""

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UnsetType
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.service import AccountService
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.baskets.repository import BasketHead, BasketRepository, StoredBasket, StoredRow
from api.baskets.schemas import BasketCheck, BasketOrder, BasketRow, CheckedRow, RowProblem, RowRequest
from api.domain.enums import Permission, Side
from api.domain.order import Order
from api.errors import ClientOrderIdReused, InvalidBasket, LucyError, NotFound
from api.kit.clock import Clock
from api.orders.repository import OrderRepository
from api.orders.schemas import Confirmed, PlaceOrder
from api.orders.schemas import Order as OrderResource
from api.orders.sending import Outcome
from api.orders.service import OrderService
from api.risk.schemas import RiskViolation

_AT_ONCE = 8
"""At one account. At three a second, the slowest limit known, the last of them waits less than the deadline of a sending."""

_STATUS = {Outcome.DONE: 201, Outcome.REPLAYED: 200, Outcome.UNKNOWN: 202}


class BasketService:
    """All that a client can do with baskets."""

    def __init__(
        self,
        *,
        baskets: BasketRepository,
        accounts: AccountService,
        orders: OrderService,
        order_repository: OrderRepository,
        audit: AuditService,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._baskets = baskets
        self._accounts = accounts
        self._orders = orders
        self._order_repository = order_repository
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def check(
        self, principal: Principal, rows: Mapping[int, BasketOrder], problems: Sequence[RowProblem], *, allow_duplicates: bool
    ) -> dict[int, PlaceOrder]:
        """The orders that the rows ask for, by row; nothing is stored or sent. Risk limits are counted only as an order leaves.

        Args:
            principal: Who asks.
            rows: By line or place.
            problems: What was found wrong as they were read.
            allow_duplicates: Whether two rows may be alike in everything.

        Raises:
            InvalidBasket: With every row's problems.
        """
        found = list(problems)
        names = await self._account_names(principal)
        requests: dict[int, PlaceOrder] = {}
        for number, row in rows.items():
            try:
                requests[number] = _request(number, row, names)
                await self._orders.check(principal, requests[number])
            except _RowError as error:
                found += error.problems
            except LucyError as error:
                if error.status >= 500:  # it cannot be told now
                    raise
                fields = error.extra.get("errors") or [{"field": None}]
                found += [RowProblem(row=number, field=entry["field"], code=error.code, message=error.detail) for entry in fields]
        found += _doubled_names(requests)
        if not allow_duplicates:
            found += _twins(requests)
        if found:
            found.sort(key=lambda problem: problem.row)
            bad = len({problem.row for problem in found})
            listed = [msgspec.to_builtins(problem) for problem in found]
            raise InvalidBasket(f"{bad} rows are wrong; nothing was sent.", rows=listed, outcome="none")
        return requests

    def summary(self, requests: Mapping[int, PlaceOrder]) -> BasketCheck:
        """What a good basket amounts to."""
        amounts: Counter[Side] = Counter()
        for request in requests.values():
            amounts[request.side] += request.quantity * (request.limit_price or 0)
        items = [CheckedRow(row=number, request=RowRequest.of(request)) for number, request in requests.items()]
        return BasketCheck(rows=len(requests), buy_amount=amounts[Side.BUY], sell_amount=amounts[Side.SELL], items=items)

    async def stored(self, principal: Principal, client_basket_id: str | None, rows: Mapping[int, BasketOrder]) -> StoredBasket | None:
        """The basket that a repeat names: it goes on, even where the market has moved on and would refuse a row now.

        Raises:
            ClientOrderIdReused: It has other rows.
        """
        if client_basket_id is None:
            return None
        basket = await self._baskets.find_by_client_basket_id(principal.user_id, client_basket_id)
        if basket is not None and basket.digest != _digest(rows):
            raise ClientOrderIdReused(f"{client_basket_id} names another basket.")
        return basket

    async def store(
        self, principal: Principal, client_basket_id: str | None, rows: Mapping[int, BasketOrder], requests: Mapping[int, PlaceOrder]
    ) -> StoredBasket:
        """Store a good basket before its first order leaves; raises as `stored`."""
        basket_id = self._new_id()
        basket = StoredBasket(
            id=basket_id,
            client_basket_id=client_basket_id or basket_id,
            digest=_digest(rows),
            rows=tuple(
                StoredRow(
                    row=number,
                    account_id=request.account_id,
                    client_order_id=request.client_order_id or f"basket:{basket_id}:{number}",
                    request=msgspec.json.encode(request).decode(),
                )
                for number, request in requests.items()
            ),
            created_by=principal.user_id,
            created_at=self._clock.now(),
        )
        stored = await self._baskets.insert_once(basket)
        if stored.digest != basket.digest:
            raise ClientOrderIdReused(f"{stored.client_basket_id} names another basket.")
        if stored.id == basket.id:
            after = {"rows": len(basket.rows), "digest": basket.digest}
            await self._audit.record(
                actor=principal.user_id, action="basket.place", subject=f"basket:{basket.id}", before=None, after=after
            )
        return stored

    async def send(self, principal: Principal, basket: StoredBasket, confirm: Confirmed | UnsetType) -> list[BasketRow]:
        """Send what has not left, side by side, a few at a time at each account; one result a row, none stops another."""
        room: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))

        async def send(row: StoredRow) -> BasketRow:
            request = msgspec.structs.replace(row.order, client_order_id=row.client_order_id, confirm=confirm)
            async with room[row.account_id]:
                try:
                    placed = await self._orders.place(principal, request)
                except LucyError as error:
                    return _result(row, error.status, None, error.code, error.detail, error.extra.get("violations", ()))
                except (PyMongoError, RedisError):  # the same basket again tells, and goes on
                    return _result(
                        row, 503, None, "unavailable", "A part of Lucy is not available; send the same basket again in a moment."
                    )
            return _result(row, _STATUS[placed.outcome], placed.order, None, None)

        return list(await asyncio.gather(*map(send, basket.rows)))

    async def find(self, principal: Principal, basket_id: str) -> StoredBasket:
        """A basket of the caller; `NotFound` where there is none."""
        basket = await self._baskets.find(principal.user_id, basket_id)
        if basket is None:
            raise NotFound("There is no such basket.")
        return basket

    async def get(self, principal: Principal, basket_id: str) -> tuple[StoredBasket, dict[str, Order]]:
        """A basket of the caller, and its orders by client order id; those at accounts that the caller may no longer see are left out."""
        basket = await self.find(principal, basket_id)
        visible = set(await self._accounts.visible_account_ids(principal, Permission.VIEW))
        names: dict[str, list[str]] = defaultdict(list)
        for row in basket.rows:
            names[row.account_id].append(row.client_order_id)
        orders = [
            order
            for account_id, wanted in names.items()
            if account_id in visible
            for order in await self._order_repository.list_by_client_order_ids(account_id, wanted)
        ]
        return basket, {order.client_order_id: order for order in orders}

    async def list_page(self, principal: Principal, *, limit: int, before_id: str | None) -> list[BasketHead]:
        """The caller's baskets, newest first; one more than ``limit`` where there are more."""
        return await self._baskets.list_page(principal.user_id, limit=limit + 1, before_id=before_id)

    async def an_account(self, principal: Principal) -> str:
        """The name of an account for the template."""
        names = [account.name for account in await self._tradable(principal)]
        return names[0] if names else "계좌"

    async def _account_names(self, principal: Principal) -> dict[str, list[str]]:
        """Ids of the accounts that the caller may trade, by name and by number with and without its dash."""
        found: dict[str, list[str]] = defaultdict(list)
        for account in await self._tradable(principal):
            for name in {account.name, account.account_number, account.account_number.replace("-", "")}:
                found[name].append(account.id)
        return found

    async def _tradable(self, principal: Principal) -> list[Any]:
        ids = set(await self._accounts.visible_account_ids(principal, Permission.TRADE))
        return [account for account in await self._accounts.list_active() if account.id in ids]


class _RowError(Exception):
    def __init__(self, *problems: RowProblem) -> None:
        super().__init__()
        self.problems = problems


def _request(number: int, row: BasketOrder, names: Mapping[str, Sequence[str]]) -> PlaceOrder:
    members = {name: getattr(row, name) for name in BasketOrder.__struct_fields__ if name != "account"}
    if row.account_id is None:
        if row.account is None:
            raise _RowError(RowProblem(row=number, field="account", code="missing", message="The row names no account."))
        ids = names.get(row.account.strip(), ())
        if len(ids) != 1:
            text = (
                f"No account of yours is called {row.account[:60]!r}."
                if not ids
                else f"{len(ids)} accounts are called {row.account[:60]!r}."
            )
            raise _RowError(RowProblem(row=number, field="account", code="not_found" if not ids else "ambiguous", message=text))
        members["account_id"] = ids[0]
    found = []
    for name, value in members.items():  # one by one, so that all that is wrong is told
        try:
            msgspec.convert({**_GOOD, name: value}, PlaceOrder)
        except msgspec.ValidationError as error:
            found.append(RowProblem(row=number, field=name, code="invalid_request", message=str(error).partition(" - at ")[0]))
    if found:
        raise _RowError(*found)
    return msgspec.convert(members, PlaceOrder)


_GOOD = {"account_id": "0" * 24, "symbol": "000000", "side": "buy", "quantity": 1}


def _doubled_names(requests: Mapping[int, PlaceOrder]) -> list[RowProblem]:
    first: dict[tuple[str, str], int] = {}
    found = []
    for number, request in requests.items():
        if request.client_order_id is not None:
            other = first.setdefault((request.account_id, request.client_order_id), number)
            if other != number:
                text = f"Row {other} has the same client_order_id."
                found.append(RowProblem(row=number, field="client_order_id", code="client_order_id_reused", message=text))
    return found


def _twins(requests: Mapping[int, PlaceOrder]) -> list[RowProblem]:
    first: dict[bytes, int] = {}
    found = []
    for number, request in requests.items():
        other = first.setdefault(msgspec.json.encode(msgspec.structs.replace(request, client_order_id=None)), number)
        if other != number:
            text = f"The same as row {other}. If both are meant, set allow_duplicates."
            found.append(RowProblem(row=number, field=None, code="duplicate_row", message=text))
    return found


def _digest(rows: Mapping[int, BasketOrder]) -> str:
    return hashlib.sha256(msgspec.json.encode(list(rows.items()))).hexdigest()


def _result(
    row: StoredRow, status_code: int, order: Order | None, code: str | None, detail: str | None, violations: Sequence[Any] = ()
) -> BasketRow:
    return BasketRow(
        row=row.row,
        client_order_id=row.client_order_id,
        status_code=status_code,
        order=None if order is None else OrderResource.of(order),
        code=code,
        detail=detail,
        violations=[msgspec.convert(violation, RiskViolation) for violation in violations],
    )
