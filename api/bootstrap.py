"""The one place where long-lived objects are built and closed: API, worker, command line and tests all come here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from api.accounts.service import AccountService
from api.audit.service import AuditService
from api.auth.service import AuthService
from api.baskets.repository import BasketRepository
from api.baskets.service import BasketService
from api.blocks.facts import FactReader
from api.blocks.repository import BlockRepository
from api.blocks.service import BlockService
from api.blocks.work import BlockWorker
from api.brokers.registry import BrokerRegistry
from api.calendar.service import CalendarService
from api.events.hub import EventHub
from api.events.publisher import EventPublisher
from api.funds.service import FundService
from api.ipos.repository import OfferingRepository
from api.ipos.service import IpoService
from api.jobs.repository import JobRepository
from api.jobs.runs import JobRuns
from api.jobs.service import JobService
from api.jobs.telling import JobTeller
from api.kit.clock import Clock, SystemClock
from api.kit.crypto import Cipher
from api.kit.redis_client import open_redis
from api.kit.redis_lease import LeaseStore
from api.market.live import LiveQuotes
from api.market.service import MarketService
from api.orders.alerts import Alerts
from api.orders.executions import ExecutionService
from api.orders.gate import Gate
from api.orders.inbox import Inbox
from api.orders.liveness import Liveness
from api.orders.publishing import OrderPublisher
from api.orders.reconcile import Reconciler
from api.orders.repository import OrderRepository
from api.orders.resolving import OrderResolver
from api.orders.sending import OrderSender
from api.orders.service import OrderService
from api.plans.service import PlanService
from api.reports.service import ReportService
from api.risk.book import LimitBook
from api.risk.checking import RiskChecks
from api.risk.counters import LimitCounters
from api.risk.service import RiskService
from api.risk.states import TradingStates
from api.settings import Settings
from api.sites.raw_pages import RawPages
from api.themes.repository import ThemeRepository
from api.themes.service import ThemeService
from api.users.service import UserService
from api.watchlists.quotes import QuoteBoard
from api.watchlists.repository import WatchlistRepository
from api.watchlists.service import WatchlistService
from api.watchlists.watching import PriceWatch
from api.webhooks.attempts import Attempts
from api.webhooks.repository import WebhookRepository
from api.webhooks.sender import Sender
from api.webhooks.service import WebhookService

_MONGODB: dict[str, Any] = {"tz_aware": True, "serverSelectionTimeoutMS": 5_000, "maxPoolSize": 50, "retryWrites": True}


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything a process works with. API handlers get single ones of these injected (`app.py`)."""

    settings: Settings
    clock: Clock
    process_id: str
    database: "AsyncIOMotorDatabase[dict[str, Any]]"
    redis: Redis
    audit: AuditService
    users: UserService
    auth: AuthService
    accounts: AccountService
    risk: RiskService
    market: MarketService
    calendar: CalendarService
    offerings: OfferingRepository
    ipos: IpoService
    raw_pages: RawPages
    theme_repository: ThemeRepository
    themes: ThemeService
    jobs: JobService
    job_runs: JobRuns
    brokers: BrokerRegistry
    live_quotes: LiveQuotes
    leases: LeaseStore
    liveness: Liveness
    event_publisher: EventPublisher
    event_hub: EventHub
    alerts: Alerts
    orders: OrderRepository
    order_service: OrderService
    order_resolver: OrderResolver
    order_publisher: OrderPublisher
    inbox: Inbox
    executions: ExecutionService
    reconciler: Reconciler
    reports: ReportService
    webhook_repository: WebhookRepository
    webhook_attempts: Attempts
    webhooks: WebhookService
    funds: FundService
    plans: PlanService
    baskets: BasketService
    blocks: BlockService
    block_repository: BlockRepository
    block_worker: BlockWorker
    watchlists: WatchlistService
    price_watch: PriceWatch


def new_id() -> str:
    """A new resource id: 24 hex digits that sort by time."""
    return str(ObjectId())


@asynccontextmanager
async def open_services(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Services]:
    """Build everything from the settings, see that the indexes exist, and close it all at the end.

    Args:
        settings: With ``mongodb_url`` and ``redis_url`` set.
        clock: The real time, or a test's.
    """
    clock = clock or SystemClock()
    process_id = new_id()
    async with AsyncExitStack() as stack:
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(settings.mongodb_url, **_MONGODB)
        stack.callback(client.close)
        database = client[settings.database]
        # Orders and fills go by PyMongo's own asyncio client: Motor's threads cost about twice the CPU and 0.6 ms a call (measured).
        orders_client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.mongodb_url, **_MONGODB)
        stack.push_async_callback(orders_client.close)
        orders_database = orders_client[settings.database]
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        prefix = settings.redis_prefix
        cipher = Cipher([key.get_secret_value() for key in settings.encryption_keys])

        audit = AuditService(database, clock, new_id)
        users = UserService(database, clock, new_id, audit)
        auth = AuthService(users=users, database=database, redis=redis, settings=settings, clock=clock, new_id=new_id, audit=audit)
        states = TradingStates(orders_database, clock)
        stack.push_async_callback(states.aclose)
        accounts = AccountService(
            database=database, redis=redis, settings=settings, cipher=cipher, clock=clock, new_id=new_id, audit=audit, states=states
        )
        market = MarketService(database, clock)
        calendar = CalendarService(database, clock)
        offerings = OfferingRepository(orders_database)
        ipos = IpoService(offerings, calendar, audit, clock)
        raw_pages = RawPages(orders_database, new_id)
        theme_repository = ThemeRepository(orders_database)
        brokers = BrokerRegistry(settings, database, redis, cipher, clock)
        stack.push_async_callback(brokers.aclose)
        live_quotes = LiveQuotes(redis, prefix, clock)
        event_publisher = EventPublisher(redis, prefix)
        event_hub = EventHub(redis, prefix, process_id)
        orders = OrderRepository(orders_database)
        stack.push_async_callback(orders.aclose)
        order_publisher = OrderPublisher(event_publisher, accounts, orders, clock)
        stack.push_async_callback(order_publisher.aclose)
        alerts = Alerts(database, event_publisher, accounts, clock)
        stack.push_async_callback(alerts.aclose)
        job_repository = JobRepository(orders_database)
        job_teller = JobTeller(event_publisher, users, alerts, clock)
        job_runs = JobRuns(job_repository, job_teller, clock, new_id)
        inbox = Inbox(orders_database)
        stack.push_async_callback(inbox.aclose)
        liveness = Liveness(redis, prefix, process_id)
        executions = ExecutionService(orders=orders, inbox=inbox, publisher=order_publisher, alerts=alerts, clock=clock, new_id=new_id)
        reconciler = Reconciler(
            orders=orders,
            inbox=inbox,
            executions=executions,
            accounts=accounts,
            brokers=brokers,
            publisher=order_publisher,
            alerts=alerts,
            liveness=liveness,
            clock=clock,
            new_id=new_id,
        )
        book = LimitBook(orders_database, states, clock)
        counters = LimitCounters(redis, prefix, orders_database)
        risk = RiskService(
            states=states,
            book=book,
            accounts=accounts,
            users=users,
            audit=audit,
            publisher=event_publisher,
            database=database,
            clock=clock,
        )
        gate = Gate(states, orders)
        sender = OrderSender(gate, orders, order_publisher, clock)
        stack.push_async_callback(sender.aclose)
        order_service = OrderService(
            orders=orders,
            accounts=accounts,
            market=market,
            calendar=calendar,
            brokers=brokers,
            publisher=order_publisher,
            sender=sender,
            gate=gate,
            risk=RiskChecks(book, counters),
            audit=audit,
            clock=clock,
            new_id=new_id,
            process_id=process_id,
            is_live_trading_on=settings.live_trading,
        )
        reports = ReportService(database=orders_database, orders=orders, inbox=inbox, accounts=accounts, brokers=brokers, clock=clock)
        block_repository = BlockRepository(orders_database)
        funds = FundService(
            database=orders_database, blocks=block_repository, accounts=accounts, audit=audit, clock=clock, new_id=new_id, states=states
        )
        plans = PlanService(database=orders_database, funds=funds, accounts=accounts, audit=audit, clock=clock, new_id=new_id)
        facts = FactReader(funds, accounts, brokers)
        block_worker = BlockWorker(
            blocks=block_repository,
            plans=plans,
            funds=funds,
            accounts=accounts,
            facts=facts,
            orders=order_service,
            order_repository=orders,
            users=users,
            publisher=event_publisher,
            liveness=liveness,
            clock=clock,
            new_id=new_id,
        )
        stack.push_async_callback(block_worker.aclose)
        order_publisher.on_block_part = block_worker.order_changed
        basket_repository = BasketRepository(orders_database)
        baskets = BasketService(
            baskets=basket_repository,
            accounts=accounts,
            orders=order_service,
            order_repository=orders,
            audit=audit,
            clock=clock,
            new_id=new_id,
        )
        blocks = BlockService(
            blocks=block_repository,
            plans=plans,
            funds=funds,
            accounts=accounts,
            facts=facts,
            market=market,
            orders=order_service,
            worker=block_worker,
            audit=audit,
            clock=clock,
            new_id=new_id,
        )
        webhook_repository = WebhookRepository(orders_database)
        webhook_sender = Sender(is_local=settings.is_local, clock=clock)
        stack.push_async_callback(webhook_sender.aclose)
        webhook_attempts = Attempts(webhook_sender, cipher, clock, new_id)
        webhooks = WebhookService(
            webhooks=webhook_repository,
            attempts=webhook_attempts,
            hub=event_hub,
            accounts=accounts,
            audit=audit,
            cipher=cipher,
            clock=clock,
            new_id=new_id,
            is_local=settings.is_local,
        )
        watchlist_repository = WatchlistRepository(orders_database)
        board = QuoteBoard(market, clock)
        watchlists = WatchlistService(
            watchlists=watchlist_repository,
            accounts=accounts,
            brokers=brokers,
            live=live_quotes,
            market=market,
            board=board,
            clock=clock,
            new_id=new_id,
        )
        price_watch = PriceWatch(
            watchlists=watchlist_repository,
            accounts=accounts,
            brokers=brokers,
            market=market,
            users=users,
            calendar=calendar,
            publisher=event_publisher,
            clock=clock,
            new_id=new_id,
        )
        owners = (audit, users, auth, accounts, orders, inbox, counters, reports, webhook_repository, funds, plans, block_repository)
        for owner in (*owners, basket_repository, watchlist_repository, offerings, raw_pages, theme_repository, job_repository):
            await owner.create_indexes()
        await risk.adopt_older_states()
        yield Services(
            settings=settings,
            clock=clock,
            process_id=process_id,
            database=database,
            redis=redis,
            audit=audit,
            users=users,
            auth=auth,
            accounts=accounts,
            risk=risk,
            market=market,
            calendar=calendar,
            offerings=offerings,
            ipos=ipos,
            raw_pages=raw_pages,
            theme_repository=theme_repository,
            themes=ThemeService(theme_repository),
            jobs=JobService(job_repository, job_runs, job_teller, audit, clock),
            job_runs=job_runs,
            brokers=brokers,
            live_quotes=live_quotes,
            leases=LeaseStore(redis, prefix, clock),
            liveness=liveness,
            event_publisher=event_publisher,
            event_hub=event_hub,
            alerts=alerts,
            orders=orders,
            order_service=order_service,
            order_resolver=OrderResolver(
                orders=orders, accounts=accounts, brokers=brokers, publisher=order_publisher, audit=audit, clock=clock
            ),
            order_publisher=order_publisher,
            inbox=inbox,
            executions=executions,
            reconciler=reconciler,
            reports=reports,
            webhook_repository=webhook_repository,
            webhook_attempts=webhook_attempts,
            webhooks=webhooks,
            funds=funds,
            plans=plans,
            baskets=baskets,
            blocks=blocks,
            block_repository=block_repository,
            block_worker=block_worker,
            watchlists=watchlists,
            price_watch=price_watch,
        )
