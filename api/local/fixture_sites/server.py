"""Serves both sites on one port: 38 under ``/html/fund/``, 주달 under ``/``, with the real sites' paths and queries.

``GET /fixture`` tells the state and what was asked; ``PUT /fixture`` changes it: ``{"variant"?, "day"?, "markup"?, "seed"?}``.
"""

import asyncio
import contextlib
import hashlib
import signal
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec
from aiohttp import web

from api.kit.clock import KST
from api.local.errors import LocalError
from api.local.fixture_sites import detail38, lists38, pages_judal
from api.local.fixture_sites.offers import Offer, offers_on
from api.local.fixture_sites.pages_judal import Markup
from api.local.fixture_sites.themes import Stock, Theme, themes_on
from api.local.fixture_sites.variants import Variant, spoil
from api.settings import Settings

_KEPT_REQUESTS = 1_000
_SHUTDOWN_SECONDS = 1.0
_LISTS = {"k": lists38.schedule, "r1": lists38.forecasts, "nw": lists38.listings}
_PER_PAGE = 40


class State(msgspec.Struct, kw_only=True):
    """What the sites show. ``day`` None: today in Korea."""

    variant: Variant = "normal"
    day: date | None = None
    markup: Markup = "new"
    seed: str = "lucy"


class _Change(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    variant: Variant | msgspec.UnsetType = msgspec.UNSET
    day: date | msgspec.UnsetType | None = msgspec.UNSET
    markup: Markup | msgspec.UnsetType = msgspec.UNSET
    seed: str | msgspec.UnsetType = msgspec.UNSET


class Asked(msgspec.Struct, frozen=True):
    """One request to a page."""

    path: str
    user_agent: str
    status: int


@dataclass
class FixtureSites:
    """Both sites; tests hold one, change its ``state``, and clear ``is_answering`` to have requests wait."""

    state: State = field(default_factory=State)
    is_answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=_KEPT_REQUESTS))
    url: str = ""

    def __post_init__(self) -> None:
        self.is_answering.set()

    @property
    def day(self) -> date:
        """KST day of the pages."""
        return self.state.day or datetime.now(KST).date()

    def offers(self) -> tuple[Offer, ...]:
        """What the schedule holds."""
        return offers_on(self.day, seed=self.state.seed, is_second_day=self.state.variant == "moved_dates")

    def themes(self) -> tuple[Theme, ...]:
        """What the side bar holds."""
        return themes_on(self.day, is_second_day=self.state.variant == "moved_dates")

    def page38(self, kind: str, number: int, site_no: int) -> str:
        """A page of 38."""
        offers = self.offers()
        if kind == "v":
            offer = next((offer for offer in offers if offer.site_no == site_no), None)
            return detail38.unknown() if offer is None else detail38.detail(offer, self.day)
        return _LISTS.get(kind, lists38.schedule)(offers, self.day, number)

    def page_judal(self, view: str, kind: str, index: int | None, number: int) -> str:
        """A page of 주달."""
        themes, markup = self.themes(), self.state.markup
        if view == "themeList":
            return pages_judal.theme_list(themes, kind, markup)
        if view != "stockList":
            return pages_judal.home(themes, markup)
        theme = next((theme for theme in themes if theme.index == index), None)
        if theme is not None:
            return pages_judal.theme_page(theme, themes, markup)
        stocks: dict[str, Stock] = {stock.symbol: stock for theme in themes for stock in theme.stocks}
        ordered = sorted(stocks.values(), key=lambda stock: stock.market_cap, reverse=kind != "marketCapAsc")
        return pages_judal.stock_list(ordered[(number - 1) * _PER_PAGE : number * _PER_PAGE], themes, markup, kind, self.day)

    def app(self) -> web.Application:
        """The server's application."""
        app = web.Application()
        app.router.add_get("/fixture", self._tell)
        app.router.add_put("/fixture", self._change)
        for path in ("/html/fund/index.htm", "/html/fund/"):
            app.router.add_get(path, self._answer38)
        app.router.add_get("/", self._answer_judal)
        return app

    async def _tell(self, _: web.Request) -> web.Response:
        content = {"state": self.state, "day": self.day, "asked": list(self.asked)}
        return web.Response(body=msgspec.json.encode(content), content_type="application/json")

    async def _change(self, request: web.Request) -> web.Response:
        try:
            change = msgspec.json.decode(await request.read(), type=_Change)
        except msgspec.MsgspecError as error:
            return web.json_response({"detail": str(error)}, status=422)
        for name in change.__struct_fields__:
            if (value := getattr(change, name)) is not msgspec.UNSET:
                setattr(self.state, name, value)
        return await self._tell(request)

    async def _answer38(self, request: web.Request) -> web.Response:
        await self.is_answering.wait()
        kind = request.query.get("o", "k")
        page = self.page38(kind, max(1, _number(request, "page", 1)), _number(request, "no", 0))
        return self._answer(request, page, "cp949", "text/html")

    async def _answer_judal(self, request: web.Request) -> web.Response:
        await self.is_answering.wait()
        query = request.query
        page = self.page_judal(
            query.get("view", ""), query.get("type", ""), _number(request, "themeIdx", -1), max(1, _number(request, "page", 1))
        )
        return self._answer(request, page, "utf-8", "text/html; charset=utf-8")

    def _answer(self, request: web.Request, page: str, encoding: str, content_type: str) -> web.Response:
        if self.state.variant == "unavailable":
            return self._noted(request, web.Response(status=503, text="잠시 후 다시 이용해 주십시오"))
        body = spoil(page, self.state.variant, encoding)
        headers = {"Content-Type": content_type, "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return self._noted(request, web.Response(status=304, headers={"ETag": headers["ETag"]}))
        return self._noted(request, web.Response(body=body, headers=headers))

    def _noted(self, request: web.Request, response: web.Response) -> web.Response:
        self.asked.append(Asked(request.path_qs, request.headers.get("User-Agent", ""), response.status))
        return response


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


@contextlib.asynccontextmanager
async def serving(state: State | None = None, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[FixtureSites]:
    """Both sites for the length of a ``with`` block, on a free port by default; ``url`` is the base of both."""
    sites = FixtureSites(state or State())
    runner = web.AppRunner(sites.app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        sites.url = f"http://{host}:{runner.addresses[0][1]}"
        yield sites
    finally:
        await runner.cleanup()


def run(settings: Settings) -> int:
    """``lucy sites``: serve until SIGINT or SIGTERM; the exit code.

    Raises:
        LocalError: The port is missing or taken.
    """
    port = settings.fixture_sites_port
    if port is None:
        raise LocalError("set LUCY_FIXTURE_SITES_PORT to a free port")

    async def serve() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, told.set)
        async with serving(host=settings.sandbox_host, port=port) as sites:
            print(f"serving invented pages of 38 and 주달 on {sites.url}", flush=True)
            await told.wait()

    try:
        asyncio.run(serve())
    except OSError as error:
        raise LocalError(f"port {port} cannot be used ({error.strerror}): set LUCY_FIXTURE_SITES_PORT to a free one") from error
    return 0
