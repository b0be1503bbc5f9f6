"""Rounds over the lists of all users, on real servers and the sandbox's market; no worker runs beside them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.schemas import Member
from api.auth.principal import Principal
from api.bootstrap import Services, open_services
from api.brokers.sandbox import server
from api.domain.enums import Permission, Role
from api.kit.tls import trusted
from api.local.seed import DEMO_USER, seed
from api.settings import Settings
from api.users.schemas import ChangeUser, CreateUser
from api.watchlists.documents import WatchlistDocument
from api.watchlists.schemas import AddWatchItem, ChangeWatchItem, CreateWatchlist, WatchlistKind

SYMBOL = "005930"


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Services with the demo user's accounts, and the sandbox's control."""

    services: Services
    control: httpx.AsyncClient
    demo: Principal
    other: Principal

    async def price(self, price: int, symbol: str = SYMBOL) -> None:
        """Set the price; answers of before are not given again."""
        (await self.control.put(f"/market/{symbol}", json={"price": price})).raise_for_status()
        self.services.brokers._scheduler.reads.forget()

    async def watch(
        self, user: Principal | None = None, *, target_price: int | None = None, stop_price: int | None = None
    ) -> WatchlistDocument:
        """A list with one item."""
        user = user or self.demo
        watchlist = await self.services.watchlists.create(user, CreateWatchlist(name="list"))
        await self.services.watchlists.add_item(
            user, watchlist.id, AddWatchItem(symbol=SYMBOL, target_price=target_price, stop_price=stop_price)
        )
        return watchlist

    async def share(self) -> None:
        """Let the other user look at the demo user's accounts."""
        members = [
            Member(user_id=self.demo.user_id, permission=Permission.MANAGE),
            Member(user_id=self.other.user_id, permission=Permission.VIEW),
        ]
        for account in await self.services.accounts.list_active():
            await self.services.accounts.put_members(self.demo, account.id, members)

    async def alerts(self, user: Principal | None = None) -> list[tuple[str, int, int]]:
        """The history, oldest first: level, its price, the price seen."""
        found = await self.services.watchlists.list_alerts(user or self.demo, limit=500, before_id=None)
        return [(alert.level, alert.level_price, alert.price) for alert in reversed(found)]

    async def events(self, user: Principal | None = None) -> list[tuple[str, bytes]]:
        """The user's events of watch lists."""
        past = await self.services.event_hub.past((user or self.demo).user_id, "0-0", 500)
        return [(event, data) for _, event, data in past if event == "watch_alert"]


@pytest.fixture
async def watching(settings: Settings) -> AsyncIterator[Watching]:
    async with (
        server.serving(port=settings.sandbox_port) as sandbox,
        httpx.AsyncClient(verify=trusted(), base_url=sandbox.control_url) as control,
        open_services(settings) as services,
    ):
        await control.put("/limits", json={"enabled": False})
        await seed(services)
        user = (await services.database["users"].find_one({"username": DEMO_USER})) or {}
        demo = Principal(user_id=user["_id"], username=DEMO_USER, role=Role.ADMIN)
        made = await services.users.create("system", CreateUser(username="other", password="long enough", role=Role.TRADER))
        other = Principal(user_id=made.id, username="other", role=Role.TRADER)
        found = Watching(services=services, control=control, demo=demo, other=other)
        await found.price(71_000)
        yield found


async def test_a_crossing_is_told_once_and_again_after_the_price_has_been_back(watching: Watching) -> None:
    await watching.watch(target_price=72_000, stop_price=70_000)
    told = []
    for price in (71_000, 72_000, 72_500, 71_900, 72_100, 70_000, 69_000, 70_100, 69_900):
        await watching.price(price)
        told.append(await watching.services.price_watch.round())

    assert told == [0, 1, 0, 0, 1, 1, 0, 0, 1]
    assert await watching.alerts() == [
        ("target", 72_000, 72_000),
        ("target", 72_000, 72_100),
        ("stop", 70_000, 70_000),
        ("stop", 70_000, 69_900),
    ]
    assert len(await watching.events()) == 4


async def test_a_level_set_beyond_the_price_waits_until_the_price_has_been_on_its_other_side(watching: Watching) -> None:
    await watching.watch(target_price=70_000)

    told = []
    for price in (71_000, 69_900, 70_000):
        await watching.price(price)
        told.append(await watching.services.price_watch.round())

    assert told == [0, 0, 1]


async def test_a_price_that_crosses_before_the_first_look_is_told(watching: Watching) -> None:
    await watching.watch(target_price=72_000)
    await watching.price(72_000)

    assert await watching.services.price_watch.round() == 1


async def test_a_changed_level_is_armed_anew_and_an_unchanged_one_stays_as_it_was(watching: Watching) -> None:
    watchlist = await watching.watch(target_price=72_000)
    await watching.price(73_000)
    assert await watching.services.price_watch.round() == 1

    async def change(**changes: Any) -> int:
        await watching.services.watchlists.change_item(watching.demo, watchlist.id, SYMBOL, ChangeWatchItem(**changes))
        return await watching.services.price_watch.round()

    assert await change(target_price=72_000, note="again") == 0
    assert await change(target_price=74_000) == 0
    await watching.price(74_000)
    assert await watching.services.price_watch.round() == 1
    assert await change(target_price=None) == 0
    stored = await watching.services.database["watchlists"].find_one({"_id": watchlist.id})
    assert stored is not None
    assert stored["is_watched"] is False


def _counted(get_quote: Any, asked: list[str]) -> Any:
    async def counted(symbol: str) -> Any:
        asked.append(symbol)
        return await get_quote(symbol)

    return counted


async def test_a_symbol_is_asked_for_once_a_round_however_many_lists_of_however_many_users_hold_it(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watching.share()
    for user in (watching.demo, watching.demo, watching.other):
        await watching.watch(user, target_price=72_000)
    await watching.price(72_000)
    asked: list[str] = []
    for account in await watching.services.accounts.list_active():
        adapter = watching.services.brokers.adapter(await watching.services.accounts.credentials(account))
        monkeypatch.setattr(adapter, "get_quote", _counted(adapter.get_quote, asked))

    told = await watching.services.price_watch.round()

    assert (told, asked) == (3, [SYMBOL])
    assert (len(await watching.alerts()), len(await watching.alerts(watching.other))) == (2, 1)
    assert (len(await watching.events()), len(await watching.events(watching.other))) == (2, 1)


async def test_who_may_look_at_no_account_is_told_nothing(watching: Watching) -> None:
    await watching.watch(watching.other, target_price=72_000)
    await watching.price(72_000)

    assert await watching.services.price_watch.round() == 0
    assert await watching.events(watching.other) == []


async def test_who_may_not_sign_in_any_more_is_told_nothing(watching: Watching) -> None:
    await watching.share()
    await watching.watch(watching.other, target_price=72_000)
    await watching.services.users.change("system", watching.other.user_id, ChangeUser(is_active=False))
    await watching.price(72_000)

    assert await watching.services.price_watch.round() == 0
    assert await watching.alerts(watching.other) == []


async def test_two_rounds_at_once_tell_a_crossing_once(watching: Watching) -> None:
    for _ in range(3):
        await watching.watch(target_price=72_000)
    await watching.price(72_000)

    await asyncio.gather(*(watching.services.price_watch.round() for _ in range(4)))

    assert await watching.alerts() == [("target", 72_000, 72_000)] * 3
    assert len(await watching.events()) == 3


class _Breaking:
    """A method that fails the first time, before or after it has done its work."""

    def __init__(self, method: Any, error: Exception, *, is_after: bool) -> None:
        self._method = method
        self._error: Exception | None = error
        self._is_after = is_after

    async def __call__(self, *arguments: Any) -> Any:
        error, self._error = self._error, None
        if error is not None and not self._is_after:
            raise error
        answer = await self._method(*arguments)
        if error is not None:
            raise error
        return answer


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("place", ["store", "history", "event", "strike_off"])
async def test_a_round_cut_off_anywhere_is_made_good_by_the_next_which_repeats_nothing(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, place: str, is_after: bool
) -> None:
    await watching.watch(target_price=72_000)
    await watching.price(72_000)
    watch = watching.services.price_watch
    owner, name, error = {
        "store": (watch._watchlists, "replace_if_unchanged", PyMongoError("cut")),
        "history": (watch._watchlists, "keep_alert", PyMongoError("cut")),
        "event": (watch._publisher, "publish_versions", RedisError("cut")),
        "strike_off": (watch._watchlists, "replace_if_unchanged", PyMongoError("cut")),
    }[place]
    broken = _Breaking(getattr(owner, name), error, is_after=is_after)
    if place == "strike_off":
        real = watch._watchlists.replace_if_unchanged

        async def second_time(document: WatchlistDocument) -> bool:
            return bool(await (broken if not document.due_alerts else real)(document))

        monkeypatch.setattr(owner, name, second_time)
    else:
        monkeypatch.setattr(owner, name, broken)

    with pytest.raises(type(error)):
        await watch.round()
    for _ in range(2):
        await watch.round()

    assert await watching.alerts() == [("target", 72_000, 72_000)]
    assert len(await watching.events()) == 1
    stored = await watching.services.database["watchlists"].find_one({})
    assert stored is not None
    assert stored["due_alerts"] == []


async def test_a_holding_is_watched_while_it_is_held(watching: Watching) -> None:
    service = watching.services.watchlists
    watchlist = await service.create(watching.demo, CreateWatchlist(name="mine", kind=WatchlistKind.HELD))
    symbol = (await service.detail(watching.demo, watchlist.id)).items[0].symbol
    price = (await watching.control.get(f"/market/{symbol}")).json()["price"]
    await service.change_item(watching.demo, watchlist.id, symbol, ChangeWatchItem(target_price=price + 5_000))
    stored = await watching.services.database["watchlists"].find_one({"_id": watchlist.id})
    assert stored is not None
    sold = {**stored["items"][0], "symbol": "096770"}  # written about once, and not held any more
    sold["levels"] = [{**sold["levels"][0], "price": 1}]
    await watching.services.database["watchlists"].update_one({"_id": watchlist.id}, {"$push": {"items": sold}})

    await watching.price(price + 5_000, symbol)
    told = await watching.services.price_watch.round()

    assert (told, await watching.alerts()) == (1, [("target", price + 5_000, price + 5_000)])
