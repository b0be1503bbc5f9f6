"""The Litestar application: what is registered, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide

from api.accounts.controller import AccountController
from api.audit.controller import AuditController
from api.auth.controller import ApiKeyController, AuthController
from api.auth.middleware import provide_principal, require_principal
from api.baskets.controller import BasketController
from api.blocks.controller import AllocationReportController, BlockController
from api.bodies import StrictRequest
from api.bootstrap import Services, open_services
from api.calendar.controller import HolidayController, SessionController
from api.capabilities.controller import BrokerController
from api.events.controller import EventController
from api.funds.controller import FundController
from api.ipos.controller import IpoController
from api.jobs.controller import JobController, JobRunController
from api.kit.loop import settle_memory
from api.market.controller import CandleController, InstrumentController, QuoteController, RankingController
from api.market.lists_controller import TerminalListController
from api.market.research_controller import OpinionController, ResearchController
from api.openapi import openapi_config
from api.orders.controller import FillController, OrderController
from api.plans.controller import PlanController
from api.problems import EXCEPTION_HANDLERS, RequestIdMiddleware
from api.reports.controller import ReportController
from api.risk.controller import RiskLimitController, TradingStateController
from api.settings import Settings
from api.sites.controller import RawPageController
from api.system.controller import HealthController, MetricsController
from api.system.settings_view import SettingController
from api.themes.controller import ThemeController, ThemeStockController
from api.users.controller import UserController
from api.watchlists.controller import WatchlistController
from api.webhooks.controller import WebhookController

BASE_PATH = "/api/v1"

_CONTROLLERS = (
    AuthController,
    ApiKeyController,
    UserController,
    AuditController,
    AccountController,
    TradingStateController,
    RiskLimitController,
    OrderController,
    FillController,
    ReportController,
    FundController,
    PlanController,
    BlockController,
    AllocationReportController,
    BasketController,
    InstrumentController,
    QuoteController,
    CandleController,
    RankingController,
    ResearchController,
    OpinionController,
    TerminalListController,
    HolidayController,
    SessionController,
    BrokerController,
    WatchlistController,
    IpoController,
    ThemeController,
    ThemeStockController,
    JobController,
    JobRunController,
    RawPageController,
    EventController,
    WebhookController,
    HealthController,
    MetricsController,
    SettingController,
)

_INJECTED = {
    "settings": "settings",
    "clock": "clock",
    "audit_service": "audit",
    "user_service": "users",
    "auth_service": "auth",
    "account_service": "accounts",
    "risk_service": "risk",
    "report_service": "reports",
    "market_service": "market",
    "calendar_service": "calendar",
    "broker_registry": "brokers",
    "live_quotes": "live_quotes",
    "watchlist_service": "watchlists",
    "ipo_service": "ipos",
    "theme_service": "themes",
    "job_service": "jobs",
    "raw_pages": "raw_pages",
    "order_service": "order_service",
    "order_resolver": "order_resolver",
    "event_publisher": "event_publisher",
    "event_hub": "event_hub",
    "webhook_service": "webhooks",
    "fund_service": "funds",
    "plan_service": "plans",
    "block_service": "blocks",
    "basket_service": "baskets",
}
"""Name in a handler's signature → field of `Services`."""

_EXPOSED = ["X-Request-Id", "Server-Timing", "Idempotent-Replayed", "Retry-After", "RateLimit", "RateLimit-Policy"]


def create_app(settings: Settings) -> Litestar:
    """The API for these settings (``app.state.settings``); it opens its services when it starts."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_services(app.state.settings) as services:
            app.state.services = services
            await services.liveness.beat()
            settle_memory()
            tasks = [asyncio.create_task(services.event_hub.run()), asyncio.create_task(services.liveness.run())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    dependencies = {name: _provide(field) for name, field in _INJECTED.items()}
    dependencies["principal"] = Provide(provide_principal)
    return Litestar(
        route_handlers=[Router(BASE_PATH, route_handlers=list(_CONTROLLERS), guards=[require_principal])],
        dependencies=dependencies,
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=StrictRequest,
        middleware=[RequestIdMiddleware()],
        lifespan=[lifespan],
        state=State({"settings": settings}),
        openapi_config=openapi_config(),
        logging_config=None,  # `api.logs` sets the handlers up; Litestar's own would replace them
        cors_config=CORSConfig(
            allow_origins=list(settings.cors_origins), allow_credentials=True, expose_headers=_EXPOSED, allow_headers=["*"]
        ),
    )


def _provide(field: str) -> Provide:
    def dependency(state: State) -> object:
        services: Services = state.services
        return getattr(services, field)

    return Provide(dependency, sync_to_thread=False)
