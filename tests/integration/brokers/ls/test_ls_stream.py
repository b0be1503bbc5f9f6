"""LS's execution stream against the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.brokers.base import Credentials, LiveOrder, NewOrder, Notice, NoticeKind
from api.brokers.errors import BrokerProtocolError, BrokerRejected, BrokerUnavailable
from api.brokers.ls import stream as ls_stream
from api.brokers.ls.adapter import LsAdapter
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.model import Broker as SandboxBroker
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import Exchange, OrderType, Side, TimeInForce

SYMBOL = "005930"
FAR_BELOW = 50_000


def an_order(**changes: Any) -> NewOrder:
    fields: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.DAY,
        "exchange": Exchange.KRX,
        "quantity": 10,
        "limit_price": FAR_BELOW,
    }
    return NewOrder(**(fields | changes))


def live(order_number: str) -> LiveOrder:
    return LiveOrder(
        order_number=order_number,
        branch="",
        symbol=SYMBOL,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        exchange=Exchange.KRX,
        leaves_quantity=10,
        limit_price=FAR_BELOW,
    )


class Listener:
    """Collects the notices of one stream."""

    def __init__(self, adapter: LsAdapter) -> None:
        self._adapter = adapter
        self._notices: asyncio.Queue[Notice] = asyncio.Queue()

    async def run(self, frames: AsyncIterator[str]) -> None:
        async for frame in frames:
            for notice in self._adapter.parse_notices(frame):
                self._notices.put_nowait(notice)

    async def next(self) -> Notice:
        async with asyncio.timeout(5):
            return await self._notices.get()


@asynccontextmanager
async def listening(adapter: LsAdapter) -> AsyncIterator[Listener]:
    stream = await adapter.open_execution_stream()
    listener = Listener(adapter)
    task = asyncio.create_task(listener.run(stream.frames()))
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await stream.aclose()


async def test_life_of_an_order_is_told_in_order(adapter: LsAdapter, credentials: Credentials) -> None:
    async with listening(adapter) as listener:
        placed = await adapter.place(an_order(), deadline=5)
        accepted = await listener.next()
        moved = await adapter.replace(live(placed.order_number), limit_price=72_000, deadline=5)
        replaced, trade = await listener.next(), await listener.next()

    assert (accepted.kind, accepted.order_number, accepted.account_number) == (
        NoticeKind.ACCEPTED,
        placed.order_number,
        credentials.account_number,
    )
    assert (replaced.kind, replaced.order_number, replaced.original_order_number) == (
        NoticeKind.REPLACED,
        moved.order_number,
        placed.order_number,
    )
    assert (replaced.quantity, replaced.price) == (10, 72_000)
    assert (trade.kind, trade.order_number, trade.quantity, trade.leaves_quantity) == (NoticeKind.TRADE, moved.order_number, 10, 0)
    assert trade.execution_id


async def test_rest_of_an_ioc_order_is_told_as_canceled(adapter: LsAdapter) -> None:
    async with listening(adapter) as listener:
        placed = await adapter.place(an_order(time_in_force=TimeInForce.IOC), deadline=5)
        accepted, canceled = await listener.next(), await listener.next()

    assert (accepted.kind, canceled.kind) == (NoticeKind.ACCEPTED, NoticeKind.CANCELED)
    assert (canceled.order_number, canceled.quantity) == (placed.order_number, 10)


async def test_fills_that_outrun_the_answer_are_delivered(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    (await control.post("/notices", json={"broker": "ls", "mode": "before_answer"})).raise_for_status()
    async with listening(adapter) as listener:
        placed = await adapter.place(an_order(order_type=OrderType.MARKET, limit_price=None), deadline=5)
        accepted, trade = await listener.next(), await listener.next()

    assert {accepted.order_number, trade.order_number} == {placed.order_number}
    assert trade.kind is NoticeKind.TRADE


async def test_rejection_by_the_exchange_is_told(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    (await control.put("/behavior", json={"reject_at_exchange": 1})).raise_for_status()
    async with listening(adapter) as listener:
        placed = await adapter.place(an_order(), deadline=5)
        accepted, rejected = await listener.next(), await listener.next()

    assert (accepted.kind, rejected.kind, rejected.order_number) == (NoticeKind.ACCEPTED, NoticeKind.REJECTED, placed.order_number)


@pytest.mark.parametrize(("action", "kind"), [("replace", NoticeKind.REPLACE_REJECTED), ("cancel", NoticeKind.CANCEL_REJECTED)])
async def test_change_that_came_too_late_for_the_exchange_is_told(
    adapter: LsAdapter, control: httpx.AsyncClient, action: str, kind: NoticeKind
) -> None:
    # the broker takes two changes of one order before the exchange has seen the first
    (await control.put("/behavior", json={"arrival_milliseconds": 300})).raise_for_status()
    async with listening(adapter) as listener:
        placed = await adapter.place(an_order(), deadline=5)
        assert (await listener.next()).kind is NoticeKind.ACCEPTED
        await adapter.cancel(live(placed.order_number), quantity=None, deadline=5)
        if action == "replace":
            late = await adapter.replace(live(placed.order_number), limit_price=51_000, deadline=5)
        else:
            late = await adapter.cancel(live(placed.order_number), quantity=None, deadline=5)
        canceled, refused = await listener.next(), await listener.next()

    assert canceled.kind is NoticeKind.CANCELED
    assert (refused.kind, refused.order_number, refused.original_order_number) == (kind, late.order_number, placed.order_number)


async def test_orders_placed_elsewhere_are_told_too(adapter: LsAdapter, control: httpx.AsyncClient, credentials: Credentials) -> None:
    async with listening(adapter) as listener:
        body = {
            "broker": "ls",
            "account_number": credentials.account_number,
            "symbol": SYMBOL,
            "side": "buy",
            "quantity": 3,
            "price": 71_000,
        }
        (await control.post("/orders", json=body)).raise_for_status()
        accepted, trade = await listener.next(), await listener.next()

    assert (accepted.kind, trade.kind, trade.quantity) == (NoticeKind.ACCEPTED, NoticeKind.TRADE, 3)


async def test_dropped_line_ends_the_stream(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    stream = await adapter.open_execution_stream()
    frames = stream.frames()
    waiting = asyncio.ensure_future(anext(frames))
    (await control.post("/streams/ls/drop")).raise_for_status()

    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(waiting, 5)
    await stream.aclose()


async def test_refused_token_is_replaced_at_the_registration(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    (await control.post("/tokens/ls/expire")).raise_for_status()

    async with listening(adapter) as listener:
        await adapter.place(an_order(), deadline=5)
        assert (await listener.next()).kind is NoticeKind.ACCEPTED


async def test_stream_with_a_token_that_was_replaced_ends_itself(
    adapter: LsAdapter, control: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ls_stream, "_TOKEN_CHECK_SECONDS", 0.05)
    stream = await adapter.open_execution_stream()
    waiting = asyncio.ensure_future(anext(stream.frames()))
    (await control.post("/tokens/ls/expire")).raise_for_status()
    await adapter.get_quote(SYMBOL)  # learns of it, and has a new one issued

    with pytest.raises(BrokerUnavailable, match="replaced"):
        await asyncio.wait_for(waiting, 5)
    await stream.aclose()


MALFORMED = [
    "",
    " ",
    "no frame",
    "{",
    "[]",
    "null",
    '{"header":null,"body":null}',
    '{"header":{"tr_cd":7},"body":{}}',
    '{"body":{"ordno":"1"}}',
    '{"header":{"tr_cd":"SC1"},"body":',
    '{"header":{"tr_cd":"S3_"},"body":{"price":"1"}}',
    '{"header":{"tr_cd":"SC9"},"body":"?"}',
    "[" * 5_000,
]


async def test_texts_that_are_no_frames_do_not_end_the_stream(adapter: LsAdapter, sandbox: Sandbox) -> None:
    async with listening(adapter) as listener:
        (connection,) = sandbox.doors.sockets[SandboxBroker.LS].connections
        for text in MALFORMED:
            connection.push(text)
        placed = await adapter.place(an_order(), deadline=5)

        assert (await listener.next()).order_number == placed.order_number


async def test_frame_with_an_unreadable_body_is_handed_on_for_the_inbox(adapter: LsAdapter, sandbox: Sandbox) -> None:
    stream = await adapter.open_execution_stream()
    (connection,) = sandbox.doors.sockets[SandboxBroker.LS].connections
    connection.push('{"header":{"tr_cd":"SC1"},"body":{"ordno":"seven"}}')

    frame = await asyncio.wait_for(anext(stream.frames()), 5)

    with pytest.raises(BrokerProtocolError):
        adapter.parse_notices(frame)
    await stream.aclose()


@pytest.mark.parametrize(("port", "account"), [("paper", "real"), ("real", "paper")])
async def test_token_of_the_other_environment_opens_no_stream(
    make_registry: Callable[[int], BrokerRegistry],
    sandbox: Sandbox,
    control: httpx.AsyncClient,
    credentials: Credentials,
    paper_credentials: Credentials,
    port: str,
    account: str,
) -> None:
    (await control.put("/variants", json={"ls_websocket_environment": port})).raise_for_status()
    adapter = make_registry(sandbox.ls_port).adapter(credentials if account == "real" else paper_credentials)

    with pytest.raises(BrokerRejected) as caught:
        await adapter.open_execution_stream()

    assert caught.value.code == "10001"


async def test_wrong_secret_opens_no_stream(
    make_registry: Callable[[int], BrokerRegistry], sandbox: Sandbox, credentials: Credentials
) -> None:
    wrong = Credentials(
        account_id=credentials.account_id,
        broker=credentials.broker,
        environment=credentials.environment,
        account_number=credentials.account_number,
        app_key=credentials.app_key,
        app_secret="wrong",
    )

    with pytest.raises(BrokerRejected) as caught:
        await make_registry(sandbox.ls_port).adapter(wrong).open_execution_stream()

    assert caught.value.code == "IGW00105"


async def test_closed_stream_leaves_no_connection(adapter: LsAdapter, sandbox: Sandbox) -> None:
    stream = await adapter.open_execution_stream()
    await stream.aclose()
    await stream.aclose()

    for _ in range(250):
        if not sandbox.doors.sockets[SandboxBroker.LS].connections:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the connection is still open after 5 s")
