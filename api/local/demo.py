"""``lucy demo``: a guided run against a running copy of Lucy, as a client of its API; the market's own ledger has the last word.

It signs in, listens to the events, places one order at each broker, a large one that fills in parts, one whose price it changes and one
that it cancels, and a block for two funds over both brokers; prints what arrives; then compares what it heard, what Lucy stored and what
the sandbox executed, share by share and won by won. It can be run again and again in the same copy: where the account holds enough
shares, the large order is a sale.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import httpx
import msgspec

from api.domain.ticks import is_on_tick, tick_size
from api.local.data_dir import DataDir
from api.local.demo_block import BlockResult, find_plan, print_block, traded
from api.local.demo_report import Row, body_of, clock, pad, print_rows, say
from api.local.errors import LocalError
from api.local.running import find_running
from api.local.seed import DEMO_PASSWORD, DEMO_USER
from api.settings import Settings

_PATIENCE_SECONDS = 20.0  # for any one thing to happen; in good times the whole run takes about three seconds
_BROKERS = ("kis", "ls")
_LARGE, _PLAIN, _CHANGED, _CANCELED = "005930", {"kis": "000660", "ls": "035420"}, "005380", "105560"
_BLOCK, _BLOCK_QUANTITY = "035720", 137
_LARGE_AMOUNT = 175_000_000  # won: two and a half of the sandbox's price levels
_SILENCE_SECONDS = 40.0  # the API sends a comment every 15 s
_EAGER_TICKS = 5
_FAR_SHARE = 0.93  # of the current price: a buy there waits
_TERMINAL = {"filled", "canceled", "rejected", "expired"}
_REGULAR = "regular"

Json = dict[str, Any]


def run(settings: Settings) -> int:
    """Run the demo and print it.

    Returns:
        0 only if all orders ended as they should and Lucy's fills agree with the sandbox's ledger.

    Raises:
        LocalError: It could not be run to its end; one line says why.
    """
    return asyncio.run(_run(*_addresses(settings)))


async def _run(api_url: str, sandbox_url: str) -> int:
    began = monotonic()
    print(f"Lucy at {api_url}, sandbox brokers at {sandbox_url}")
    async with (
        httpx.AsyncClient(base_url=f"{api_url}/api/v1", timeout=10) as api,
        httpx.AsyncClient(base_url=sandbox_url, timeout=10) as sandbox,
    ):
        try:
            demo = Demo(api, sandbox)
            await demo.sign_in()
            rows, block = await demo.play()
        except httpx.RequestError as error:
            raise LocalError(f"{error.request.method} {error.request.url} got no answer ({type(error).__name__})") from error
    agree = block.agrees and all(row.agrees for row in rows)
    print_rows(rows)
    print_block(block, demo.fund_names)
    verdict = "Lucy's fills and the market's ledger agree" if agree else "Lucy's fills and the market's ledger do NOT agree"
    print(f"\n{verdict} ({sum(row.ledger_quantity for row in rows):,} shares, {monotonic() - began:.1f} s)")
    return 0 if agree else 1


def _addresses(settings: Settings) -> tuple[str, str]:
    """Of the API and the sandbox: as set, else those of the ``lucy up`` of this data folder, else the defaults."""
    is_set = settings.model_fields_set & {"api_port", "api_url", "sandbox_port", "sandbox_host"}
    running = find_running(DataDir(settings.data_dir)) if not is_set and settings.data_dir.is_dir() else None
    if running is not None:
        return running["api_url"], running["sandbox_url"]
    return settings.api_url, settings.sandbox_url


class Demo:
    """The run: a client with a listener.

    Args:
        api: Of Lucy's API.
        sandbox: Of the sandbox's control API.
    """

    def __init__(self, api: httpx.AsyncClient, sandbox: httpx.AsyncClient) -> None:
        self._api, self._sandbox = api, sandbox
        self._accounts: dict[str, Json] = {}
        self._quotes: dict[str, Json] = {}
        self._orders: dict[str, Json] = {}  # the newest version heard
        self._fills: dict[str, Json] = {}
        self._mine: dict[str, str] = {}  # order id → how it should end
        self._blocks: dict[str, Json] = {}
        self._before: dict[str, tuple[int, int]] = {}  # fund id → shares and won of `_BLOCK` before
        self.fund_names: dict[str, str] = {}
        self._news = asyncio.Event()
        self._is_deaf = False
        self._run_id = secrets.token_hex(4)

    async def sign_in(self) -> None:
        """Sign in, and find an account at each broker with its execution stream live.

        Raises:
            LocalError: Lucy or the sandbox does not run there, the demo user is not there, or a stream does not come up.
        """
        try:
            answer = await self._api.post("/auth/login", json={"username": DEMO_USER, "password": DEMO_PASSWORD})
        except httpx.TransportError as error:
            raise LocalError(
                f"no Lucy answers at {self._api.base_url}: start `lucy up` first, or set LUCY_DATA_DIR or LUCY_API_PORT"
            ) from error
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise LocalError(
                f"{DEMO_USER}/{DEMO_PASSWORD} cannot sign in at {self._api.base_url}: the demo needs a local copy with its demo user"
            )
        self._api.headers["Authorization"] = f"Bearer {body_of(answer)['access_token']}"
        try:
            health = body_of(await self._sandbox.get("/health"))
        except httpx.TransportError as error:
            raise LocalError(f"no sandbox answers at {self._sandbox.base_url}: the demo runs against the sandbox only") from error
        if health["phase"] != _REGULAR or health["is_paused"]:
            raise LocalError(
                'the sandbox\'s market is not trading: PUT /session {"phase": "regular"} and POST /market/resume at its control API'
            )
        deadline = monotonic() + _PATIENCE_SECONDS
        while waiting := await self._find_accounts():
            if monotonic() > deadline:
                raise LocalError(
                    f"no sandbox account of {DEMO_USER} has a live execution stream at {' and '.join(waiting)}: does the worker run?"
                )
            await asyncio.sleep(0.2)
        accounts = ", ".join(f"{account['name']} ({account['account_number']})" for account in self._accounts.values())
        print(f"signed in as {DEMO_USER}: {accounts}\n")

    async def _find_accounts(self) -> list[str]:
        """Brokers that still lack an account with a live stream."""
        for account in body_of(await self._api.get("/accounts"))["items"]:
            if account["environment"] == "sandbox" and account["stream"]["state"] == "live":
                self._accounts.setdefault(account["broker"], account)
        return [broker.upper() for broker in _BROKERS if broker not in self._accounts]

    async def play(self) -> tuple[list[Row], BlockResult]:
        """Place, change and cancel while listening; how each order and the block ended, and what the ledger says of it."""
        symbols = [_LARGE, *_PLAIN.values(), _CHANGED, _CANCELED, _BLOCK]
        self._quotes = {
            quote["symbol"]: quote for quote in body_of(await self._api.get("/quotes", params={"symbols": ",".join(symbols)}))["items"]
        }
        _print_header()
        async with self._listening():
            try:
                await self._trade()
                block_id = await self._trade_block()
            finally:
                await self._clean_up()
        rows = await self._compare()
        return rows, await self._compare_block(block_id, rows)

    async def _trade_block(self) -> str:
        account_ids = [account["id"] for account in self._accounts.values()]
        self.fund_names, plan_id = await find_plan(self._api, account_ids)
        self._before = {fund_id: await traded(self._api, fund_id, _BLOCK) for fund_id in self.fund_names}
        request = {"plan_id": plan_id, "client_order_id": f"demo-block-{self._run_id}", "symbol": _BLOCK, "quantity": _BLOCK_QUANTITY}
        sale = request | {"side": "sell", "limit_price": self._eager_price(_BLOCK, "sell")}
        can_sell = body_of(await self._api.post("/block-orders/preview", json=sale))["quantity"] == _BLOCK_QUANTITY
        request = sale if can_sell else request | {"side": "buy", "limit_price": self._eager_price(_BLOCK, "buy")}
        funds = " and ".join(self.fund_names.values())
        say("place", f"block: {request['side']} {_BLOCK_QUANTITY} {self._name(_BLOCK)} for {funds}, at KIS and LS")
        block = body_of(await self._api.post("/block-orders", json=request))
        if refused := [part for part in block["parts"] if part["order_id"] is None or part["order_status"] == "rejected"]:
            raise LocalError(f"a part of the block was refused: {refused[0]['problem']} {refused[0]['message']}")
        for part in block["parts"]:
            self._mine[part["order_id"]] = "filled"
        await self._until(
            lambda: all(self._orders.get(order_id, {}).get("status") == "filled" for order_id in self._mine_of(block)), "the block"
        )
        await self._until(lambda: self._blocks.get(block["id"], {}).get("status") == "filled", "the block is filled")
        await self._until(lambda: all(self._is_heard(order_id) for order_id in self._mine), "every fill is heard")
        return str(block["id"])

    def _mine_of(self, block: Json) -> list[str]:
        return [str(part["order_id"]) for part in block["parts"]]

    async def _compare_block(self, block_id: str, rows: list[Row]) -> BlockResult:
        block = body_of(await self._api.get(f"/block-orders/{block_id}"))
        mine = [row for row in rows if row.order["id"] in self._mine_of(block)]
        after = {fund_id: await traded(self._api, fund_id, _BLOCK) for fund_id in self.fund_names}
        return BlockResult(
            block=block,
            positions={fund_id: (after[fund_id][0] - shares, after[fund_id][1] - won) for fund_id, (shares, won) in self._before.items()},
            ledger_quantity=sum(row.ledger_quantity for row in mine),
            ledger_amount=sum(row.ledger_amount for row in mine),
            is_heard=self._blocks[block_id]["status"] == block["status"],
        )

    async def _trade(self) -> None:
        for broker, symbol in _PLAIN.items():
            await self._place(broker, symbol, "buy", 3, self._eager_price(symbol, "buy"))
        quantity = _LARGE_AMOUNT // self._quotes[_LARGE]["price"]
        side = "sell" if await self._holds(_LARGE, quantity) else "buy"
        large = await self._place("kis", _LARGE, side, quantity, self._eager_price(_LARGE, side))
        changed = await self._place("kis", _CHANGED, "buy", 4, self._far_price(_CHANGED))
        canceled = await self._place("ls", _CANCELED, "buy", 5, self._far_price(_CANCELED), expected="canceled")
        await self._until(lambda: self._status(changed) == self._status(canceled) == "new", "both waiting orders are new")
        say("change", f"{self._name(_CHANGED)} to {self._eager_price(_CHANGED, 'buy'):,} won")
        body_of(await self._api.patch(f"/orders/{changed}", json={"limit_price": self._eager_price(_CHANGED, "buy")}))
        say("cancel", self._name(_CANCELED))
        body_of(await self._api.delete(f"/orders/{canceled}"))
        await self._until(lambda: all(self._status(order_id) in _TERMINAL for order_id in self._mine), "all orders are done")
        await self._until(lambda: all(self._is_heard(order_id) for order_id in self._mine), "every fill is heard")
        if len(self._orders[large]["fills"]) < 2:
            raise LocalError("the large order was meant to fill in parts, and filled in one: has somebody set the sandbox's liquidity?")

    async def _place(self, broker: str, symbol: str, side: str, quantity: int, price: int, *, expected: str = "filled") -> str:
        request = {
            "account_id": self._accounts[broker]["id"],
            "client_order_id": f"demo-{self._run_id}-{len(self._mine) + 1}",
            "symbol": symbol,
            "side": side,
            "order_type": "limit",
            "quantity": quantity,
            "limit_price": price,
        }
        say("place", f"at {broker.upper()}: {side} {quantity:,} {self._name(symbol)} at {price:,} won")
        order = body_of(await self._api.post("/orders", json=request))
        self._mine[order["id"]] = expected
        self._hear_order(order)
        if order["status"] == "rejected":
            raise LocalError(f"{broker.upper()} refused {self._name(symbol)}: {order['broker_code']} {order['broker_message']}")
        return str(order["id"])

    async def _clean_up(self) -> None:
        """Leave no order of this run working, whatever went wrong."""
        for order_id in self._mine:
            if self._status(order_id) not in _TERMINAL:
                await self._api.delete(f"/orders/{order_id}")

    async def _holds(self, symbol: str, quantity: int) -> bool:
        positions = body_of(await self._api.get(f"/accounts/{self._accounts['kis']['id']}/positions"))["items"]
        return any(position["symbol"] == symbol and position["sellable_quantity"] >= quantity for position in positions)

    def _eager_price(self, symbol: str, side: str) -> int:
        """A price that trades at once, a few levels deep, within the day's limits."""
        quote = self._quotes[symbol]
        ticks = _EAGER_TICKS * quote["tick_size"] * (1 if side == "buy" else -1)
        return _on_tick(min(max(int(quote["price"]) + ticks, int(quote["lower_limit_price"])), int(quote["upper_limit_price"])))

    def _far_price(self, symbol: str) -> int:
        """A price at which a buy waits, within the day's limits."""
        quote = self._quotes[symbol]
        return max(_on_tick(int(quote["price"] * _FAR_SHARE)), int(quote["lower_limit_price"]))

    def _name(self, symbol: str) -> str:
        return str(self._quotes[symbol]["name"])

    # --- listening ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Hear events from before the first order until the end of the block."""
        is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._listen(is_open))
        task.add_done_callback(self._note_end)
        await asyncio.wait({task, is_open}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if task.done():
                task.result()
                raise LocalError("the event stream ended at once")
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _note_end(self, _task: asyncio.Task[None]) -> None:
        self._is_deaf = True
        self._news.set()

    async def _listen(self, is_open: asyncio.Future[None]) -> None:
        event = ""
        async with self._api.stream("GET", "/events", timeout=httpx.Timeout(10, read=_SILENCE_SECONDS)) as answer:
            if answer.is_error:
                await answer.aread()
                body_of(answer)
            async for line in answer.aiter_lines():
                if not is_open.done():
                    is_open.set_result(None)
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._hear(event, msgspec.json.decode(line.removeprefix("data: ")))

    def _hear(self, event: str, data: Json) -> None:
        if event == "fill":
            fill = data["fill"]
            self._fills[fill["id"]] = fill
            self._say("fill", fill, f"{fill['quantity']:>8,} @ {fill['price']:>9,}", f"{fill['amount']:,} won")
        elif event == "order":
            self._hear_order(data["order"])
        elif event == "block_order":
            self._blocks[data["block_order"]["id"]] = data["block_order"]
        elif event == "alert":
            say("alert", data["message"])
        self._news.set()

    def _hear_order(self, order: Json) -> None:
        """Keep the newest version; the answer to a request and its event tell of the same one."""
        known = self._orders.get(order["id"])
        if known is not None and known["version"] >= order["version"]:
            return
        self._orders[order["id"]] = order
        progress = f"{order['cumulative_quantity']:,} of {order['quantity']:,}" if order["cumulative_quantity"] else ""
        words = f"{order['status']:<17}{progress}".rstrip()
        self._say("order", order, f"{order['quantity']:>8,} @ {order['limit_price'] or 0:>9,}", words)

    def _say(self, what: str, entry: Json, numbers: str, words: str) -> None:
        order = self._orders.get(str(entry.get("order_id", entry["id"])))
        broker = order["broker"].upper() if order else ""
        name = self._quotes.get(entry["symbol"], {}).get("name", "")
        print(f"{clock()}  {what:<7}{broker:<5}{entry['symbol']}  {pad(name, 14)}{entry['side']:<5}{numbers}  {words}", flush=True)

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not condition():
                    if self._is_deaf:
                        raise LocalError("the event stream broke off")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            states = ", ".join(f"{self._name(self._orders[order_id]['symbol'])} {self._status(order_id)}" for order_id in self._mine)
            raise LocalError(f"not heard within {_PATIENCE_SECONDS:.0f} s that {what} ({states})") from None

    def _status(self, order_id: str) -> str:
        return str(self._orders[order_id]["status"])

    def _is_heard(self, order_id: str) -> bool:
        """Whether every fill that the order's newest version tells of has come as an event of its own."""
        return all(fill["id"] in self._fills for fill in self._orders[order_id]["fills"])

    # --- comparing ---------------------------------------------------------------------------------------------------

    async def _compare(self) -> list[Row]:
        rows = []
        executions = body_of(await self._sandbox.get("/ledger/executions"))
        for order_id, expected in self._mine.items():
            order = body_of(await self._api.get(f"/orders/{order_id}"))
            account = next(account for account in self._accounts.values() if account["id"] == order["account_id"])
            numbers = {int(number) for number in order["broker_order_ids"]}
            rows.append(
                Row(
                    name=self._name(order["symbol"]),
                    order=order,
                    heard=[fill for fill in self._fills.values() if fill["order_id"] == order_id],
                    executions=[
                        entry
                        for entry in executions
                        if (entry["broker"], entry["account_number"]) == (order["broker"], account["account_number"].replace("-", ""))
                        and int(entry["order_number"]) in numbers
                    ],
                    expected=expected,
                )
            )
        return rows


def _on_tick(price: int) -> int:
    """The price, or the next below it that an order may name."""
    return price if is_on_tick(price, "stock") else price - price % tick_size(price, "stock")


def _print_header() -> None:
    print(f"{'time':<14}{'what':<7}{'at':<5}{'symbol':<8}{pad('name', 14)}{'side':<5}{'shares':>8} @ {'won':>9}")
