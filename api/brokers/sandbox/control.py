"""The sandbox's control API, JSON over HTTP on a port of its own, so that tests from outside can drive it.

A bad body answers 422 ``{"detail": …}``, an unknown account, order or symbol 404. Beside the calls of ``design.md`` §5:

===========================================  ==========================================================================
``GET /health``                              ``{"status": "ok", …}``
``GET /ledger/orders?broker=&account_number=&symbol=&order_number=``
                                             plain array, oldest first; changes and cancels are rows of their own (``kind``:
                                             new, replace, cancel) with ``original_order_number``; ``state``: new,
                                             partially_filled, filled, canceled, replaced (all moved on to a later number),
                                             rejected, confirmed (a cancel that took effect)
``GET /ledger/executions?…``                 the same filters; ``is_busted`` marks a trade that was cancelled afterwards
``GET /market``, ``GET /market/{symbol}``    price, limits, order book
``PUT /market/{symbol}``                     also ``{"halted": true|false}``
``PUT /liquidity``                           ``{"symbol"?, "level_quantity"?: n or null, "enabled"?, "refill_milliseconds"?,
                                             "refill_share"?}``: shares at each background level (0: none); growing back (0: never)
``PUT /behavior``                            ``{"refuses_too_early"?, "inquiry_lag_milliseconds"?, "reject_at_exchange"?: n,
                                             "arrival_milliseconds"?}``
``GET /limits``, ``PUT /limits``             ``{"broker"?, "enabled"?, "factor"?, "token_interval_seconds"?}``: rate limits, for load tests
``POST /tokens/{broker}/expire``             every token expires now
``GET /variants``, ``PUT /variants``         ``{"kis_notice_layout": "26", …}``: wire variants
``POST /orders`` ``{"action": "place" (default), "replace", "cancel", "original_order_number"?, …}``
                                             outside orders; refused ones answer 422 with the reason
``POST /accounts``                           also ``{"hts_id"?}``, for several accounts under one HTS id
``GET /session``                             the phase in force
===========================================  ==========================================================================

``POST /reset`` keeps websockets open and the default accounts' credentials and tokens as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from . import control_bodies as bodies
from .doors import Doors
from .faults import Fault
from .ledger import account_row, execution_row, market_row, order_row
from .model import Account, Broker, Order, Rejection
from .notices import DEFAULT_MILLISECONDS, NoticePlan
from .session import Phase
from .ticks import is_on_tick

_encode = msgspec.json.Encoder().encode
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(doors: Doors) -> web.Application:
    """The control API as an application."""
    control = _Control(doors)
    app = web.Application(middlewares=[_errors])
    app.add_routes(
        [
            web.get("/health", control.health),
            web.get("/ledger/orders", control.ledger_orders),
            web.get("/ledger/executions", control.ledger_executions),
            web.get("/market", control.market),
            web.post("/market/pause", control.pause),
            web.post("/market/resume", control.resume),
            web.get("/market/{symbol}", control.market_of),
            web.put("/market/{symbol}", control.set_market),
            web.put("/liquidity", control.set_liquidity),
            web.put("/behavior", control.set_behavior),
            web.get("/limits", control.limits),
            web.put("/limits", control.set_limits),
            web.get("/variants", control.variants),
            web.put("/variants", control.set_variants),
            web.get("/faults", control.faults),
            web.post("/faults", control.add_fault),
            web.delete("/faults", control.clear_faults),
            web.post("/streams/{broker}/{action}", control.streams),
            web.post("/notices", control.set_notices),
            web.post("/tokens/{broker}/expire", control.expire_tokens),
            web.post("/orders", control.outside_order),
            web.post("/executions/bust", control.bust),
            web.get("/accounts", control.accounts),
            web.post("/accounts", control.open_account),
            web.get("/session", control.session),
            web.put("/session", control.set_session),
            web.post("/reset", control.reset),
        ]
    )
    return app


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=_encode(body), headers={"Content-Type": "application/json; charset=utf-8"})


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except msgspec.ValidationError as error:
        return _json({"detail": str(error)}, 422)
    except msgspec.DecodeError as error:
        return _json({"detail": f"the body is not JSON: {error}"}, 422)
    except bodies.BadRequest as error:
        return _json({"detail": str(error)}, error.status)
    except web.HTTPException as error:
        return _json({"detail": f"{request.method} {request.path}: {error.reason}"}, error.status)


def _broker(text: str) -> Broker:
    if text not in set(Broker):
        raise bodies.BadRequest(f"no such broker: {text!r} (kis or ls)", 404)
    return Broker(text)


class _Control:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    # --- ledger ----------------------------------------------------------------------------------------------------

    async def health(self, _: web.Request) -> web.Response:
        exchange = self._doors.exchange
        return _json(
            {
                "status": "ok",
                "phase": exchange.phase,
                "is_paused": exchange.is_paused,
                "orders": len(exchange.orders),
                "executions": len(exchange.executions),
                "streams": {broker: len(self._doors.sockets[broker].connections) for broker in Broker},
            }
        )

    async def ledger_orders(self, request: web.Request) -> web.Response:
        wanted = _ledger_filter(request)
        return _json([order_row(order) for order in self._doors.exchange.orders if wanted(order)])

    async def ledger_executions(self, request: web.Request) -> web.Response:
        wanted = _ledger_filter(request)
        return _json([execution_row(order, execution) for order, execution in self._doors.exchange.executions if wanted(order)])

    # --- market ----------------------------------------------------------------------------------------------------

    def _symbol(self, symbol: str) -> str:
        if symbol not in self._doors.exchange.instruments:
            raise bodies.BadRequest(f"no such symbol: {symbol!r}", 404)
        return symbol

    async def market(self, _: web.Request) -> web.Response:
        return _json([market_row(self._doors.exchange, symbol) for symbol in self._doors.exchange.instruments])

    async def market_of(self, request: web.Request) -> web.Response:
        symbol = self._symbol(request.match_info["symbol"])
        return _json(market_row(self._doors.exchange, symbol, with_book=True))

    async def set_market(self, request: web.Request) -> web.Response:
        exchange = self._doors.exchange
        symbol = self._symbol(request.match_info["symbol"])
        body = await bodies.read(request, bodies.SetMarket)
        if body.price is None and body.halted is None:
            raise bodies.BadRequest("price or halted is needed")
        if body.price is not None:
            instrument = exchange.instruments[symbol]
            if not instrument.lower_limit <= body.price <= instrument.upper_limit:
                raise bodies.BadRequest(f"price must be from {instrument.lower_limit} to {instrument.upper_limit}")
            if not is_on_tick(body.price, is_etf=instrument.is_etf):
                raise bodies.BadRequest(f"price must be a multiple of {instrument.tick(body.price)}")
            exchange.set_price(symbol, body.price)
        if body.halted is not None:
            (exchange.halted.add if body.halted else exchange.halted.discard)(symbol)
        return _json(market_row(exchange, symbol, with_book=True))

    async def pause(self, _: web.Request) -> web.Response:
        self._doors.exchange.pause()
        return _json({"is_paused": True})

    async def resume(self, _: web.Request) -> web.Response:
        self._doors.exchange.resume()
        return _json({"is_paused": False})

    async def set_liquidity(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.SetLiquidity)
        exchange = self._doors.exchange
        symbols = [self._symbol(body.symbol)] if body.symbol is not None else list(exchange.books)
        for symbol in symbols:
            book = exchange.books[symbol]
            if body.level_quantity is not msgspec.UNSET:
                book.level_quantity = body.level_quantity
                book.move_anchor(book.anchor)
            if body.enabled is not None:
                book.is_background_on = body.enabled
        if body.refill_milliseconds is not None:
            exchange.set_refill(body.refill_milliseconds / 1_000)
        if body.refill_share is not None:
            exchange.refill_share = body.refill_share
        exchange.match_all()
        return _json({"refill_milliseconds": round(exchange.refill_seconds * 1_000), "refill_share": exchange.refill_share})

    async def set_behavior(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.SetBehavior)
        exchange = self._doors.exchange
        changes: dict[str, Any] = {}
        if body.refuses_too_early is not None:
            changes["refuses_too_early"] = body.refuses_too_early
        if body.inquiry_lag_milliseconds is not None:
            changes["inquiry_lag_seconds"] = body.inquiry_lag_milliseconds / 1_000
        if body.reject_at_exchange is not None:
            changes["reject_at_exchange"] = body.reject_at_exchange
        if body.arrival_milliseconds is not None:
            exchange.set_arrival_delay(body.arrival_milliseconds / 1_000)
        exchange.behavior = replace(exchange.behavior, **changes)
        return _json({"behavior": exchange.behavior})

    async def session(self, _: web.Request) -> web.Response:
        exchange = self._doors.exchange
        return _json({"phase": exchange.phase, "follows_clock": exchange.session.follows_clock})

    async def set_session(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.SetSession)
        self._doors.exchange.set_phase(None if body.phase == "clock" else Phase(body.phase))
        return await self.session(request)

    async def reset(self, _: web.Request) -> web.Response:
        self._doors.reset()
        return _json({"status": "ok"})

    # --- faults, notices, streams, limits --------------------------------------------------------------------------

    async def faults(self, _: web.Request) -> web.Response:
        return _json(self._doors.faults.all())

    async def add_fault(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.AddFault)
        count = body.count if body.count is not None or body.probability is not None else 1
        fault: Fault = self._doors.faults.add(
            body.broker,
            body.operation,
            body.kind,
            count=count,
            probability=1.0 if body.probability is None else body.probability,
            milliseconds=body.milliseconds,
        )
        return _json(fault, 201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._doors.faults.clear()
        return _json([])

    async def streams(self, request: web.Request) -> web.Response:
        sockets = self._doors.sockets[_broker(request.match_info["broker"])]
        action = request.match_info["action"]
        dropped = 0
        match action:
            case "drop":
                dropped = sockets.drop()
            case "mute" | "unmute":
                sockets.is_muted = action == "mute"
            case _:
                raise bodies.BadRequest(f"no such action: {action!r} (drop, mute or unmute)", 404)
        return _json({"is_muted": sockets.is_muted, "dropped": dropped, "connections": len(sockets.connections) - dropped})

    async def set_notices(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.SetNotices)
        plan = NoticePlan(
            body.mode,
            1.0 if body.probability is None else body.probability,
            DEFAULT_MILLISECONDS if body.milliseconds is None else body.milliseconds,
        )
        self._doors.notices.set_plan(body.broker, plan)
        return _json({"broker": body.broker, "plan": plan})

    async def set_limits(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.SetLimits)
        limits = self._doors.limits
        for broker in Broker if body.broker is None else [body.broker]:
            if body.enabled is not None:
                limits.factor[broker] = 1.0 if body.enabled else None
            if body.factor is not None:
                limits.factor[broker] = body.factor
        if body.token_interval_seconds is not None:
            limits.token_interval_seconds = body.token_interval_seconds
        elif body.enabled is not None and body.broker is not Broker.LS:
            limits.token_interval_seconds = limits.DEFAULT_TOKEN_INTERVAL_SECONDS if body.enabled else 0.0
        return _json(limits.state())

    async def limits(self, _: web.Request) -> web.Response:
        return _json(self._doors.limits.state())

    async def variants(self, _: web.Request) -> web.Response:
        doors = self._doors
        return _json({name: {"value": doors.variant(name), "known": known} for name, known in doors.known_variants.items()})

    async def set_variants(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, dict[str, str])
        for name, value in body.items():
            if value not in self._doors.known_variants.get(name, ()):
                raise bodies.BadRequest(f"{name}: no such variant or value; known: {self._doors.known_variants.get(name)}")
        self._doors.variants |= body
        return await self.variants(request)

    async def expire_tokens(self, request: web.Request) -> web.Response:
        return _json({"expired": self._doors.tokens[_broker(request.match_info["broker"])].expire_all()})

    # --- accounts and orders ---------------------------------------------------------------------------------------

    def _account(self, broker: Broker, number: str) -> Account:
        account = self._doors.exchange.account(broker, number)
        if account is None:
            raise bodies.BadRequest(f"no such account: {broker} {number!r}", 404)
        return account

    def _order(self, broker: Broker, number: str | int) -> Order:
        text = str(number)
        order = self._doors.exchange.find_order(broker, int(text)) if text.isascii() and text.isdecimal() else None
        if order is None:
            raise bodies.BadRequest(f"no such order: {broker} {number!r}", 404)
        return order

    async def accounts(self, _: web.Request) -> web.Response:
        return _json([account_row(self._doors.exchange, account) for account in self._doors.exchange.accounts])

    async def open_account(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.OpenAccount)
        exchange = self._doors.exchange
        for symbol in body.positions or ():
            self._symbol(symbol)
        account = exchange.open_account(body.broker, body.environment, cash=body.cash, positions=body.positions)
        if body.hts_id is not None:
            account.hts_id = body.hts_id
        return _json(account_row(exchange, account), 201)

    async def outside_order(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.OutsideOrder)
        account = self._account(body.broker, body.account_number)
        outcome = self._outside(account, body)
        if isinstance(outcome, Rejection):
            return _json({"detail": f"refused: {outcome.reason}", "reason": outcome.reason}, 422)
        return _json(order_row(outcome), 201)

    def _outside(self, account: Account, body: bodies.OutsideOrder) -> Order | Rejection:
        exchange = self._doors.exchange
        if body.action == "place":
            if body.symbol is None or body.side is None or body.quantity is None:
                raise bodies.BadRequest("symbol, side and quantity are needed")
            return exchange.place(
                account,
                body.symbol,
                body.side,
                body.order_type,
                body.price,
                body.quantity,
                condition=body.condition,
                venue=body.venue,
                is_external=True,
            )
        if body.original_order_number is None:
            raise bodies.BadRequest("original_order_number is needed")
        number = self._order(body.broker, body.original_order_number).number
        if body.action == "cancel":
            return exchange.cancel(account, number, quantity=body.quantity, is_external=True)
        return exchange.replace(
            account,
            number,
            order_type=body.order_type,
            price=body.price,
            quantity=body.quantity,
            condition=body.condition,
            is_external=True,
        )

    async def bust(self, request: web.Request) -> web.Response:
        body = await bodies.read(request, bodies.Bust)
        order = self._order(body.broker, body.order_number)
        try:
            execution = self._doors.exchange.bust(order, body.index)
        except IndexError:
            raise bodies.BadRequest(f"order {order.order_number} has {len(order.executions)} executions", 404) from None
        except ValueError as error:
            raise bodies.BadRequest(str(error)) from None
        return _json(execution_row(order, execution))


def _ledger_filter(request: web.Request) -> Callable[[Order], bool]:
    query: Mapping[str, str] = request.query
    unknown = set(query) - {"broker", "account_number", "symbol", "order_number"}
    if unknown:
        raise bodies.BadRequest(f"unknown filter: {', '.join(sorted(unknown))}")
    broker, symbol = query.get("broker"), query.get("symbol")
    account_number = query.get("account_number", "").replace("-", "")
    number = query.get("order_number", "").lstrip("0")

    def wanted(order: Order) -> bool:
        return (
            (not broker or order.broker == broker)
            and (not account_number or order.account.number == account_number)
            and (not symbol or order.instrument.symbol == symbol)
            and (not number or str(order.number) == number)
        )

    return wanted
