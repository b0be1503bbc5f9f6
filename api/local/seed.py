"""What a fresh local Lucy begins with: the demo user, one sandbox account at each broker, the instrument master."""

import httpx
import structlog

from api.accounts.schemas import CreateAccount
from api.auth.principal import Principal
from api.bootstrap import Services
from api.domain.enums import Broker, Environment, Permission, Role
from api.errors import Conflict
from api.jobs.schemas import Trigger
from api.local.errors import LocalError
from api.market.sources import adapters_of, of_one_market

log = structlog.get_logger(__name__)

DEMO_USER = "demo"
DEMO_PASSWORD = "lucy-demo"
_READ_AT_FIRST = ("scrape_ipos", "scrape_themes")
_NAMES = {Broker.KIS: "KIS 모의시장", Broker.LS: "LS 모의시장"}


async def seed(services: Services) -> bool:
    """Create the demo user and accounts in an empty local database, and load the instruments. Safe to repeat.

    Returns:
        Whether the demo user is there: not so where somebody else has begun to use the database.

    Raises:
        LocalError: The sandbox does not answer as expected.
    """
    is_new = await services.users.is_empty()
    if is_new:
        user = await services.users.ensure_demo_user(DEMO_USER, DEMO_PASSWORD)
        principal = Principal(user_id=user.id, username=user.username, role=Role.ADMIN)
        for account in await _sandbox_accounts(services.settings.sandbox_url):
            broker = Broker(account["broker"])
            request = CreateAccount(
                name=_NAMES[broker],
                broker=broker,
                environment=Environment.SANDBOX,
                account_number=account["account_number"],
                app_key=account["app_key"],
                app_secret=account["app_secret"],
                hts_id=account["hts_id"] if broker is Broker.KIS else "",
            )
            try:
                await services.accounts.create(principal, request)
            except Conflict:
                log.info("demo_account_exists", broker=broker)
    adapters = await adapters_of(of_one_market(await services.accounts.list_active()), services.accounts, services.brokers)
    if adapters and not await services.market.load_from(adapters):
        raise LocalError("no broker gave an instrument master")
    demo = await services.users.verify(DEMO_USER, DEMO_PASSWORD)
    return demo is not None and bool(
        await services.accounts.visible_account_ids(
            Principal(user_id=demo.id, username=demo.username, role=Role(demo.role)), Permission.VIEW
        )
    )


async def queue_first_runs(services: Services) -> None:
    """Have the sites read at once where they never were, so that their pages show something from the first minute on."""
    for name in _READ_AT_FIRST:
        if not await services.job_runs.has_run(name):
            await services.job_runs.queue(services.job_runs.new_run(name, Trigger.START))


async def _sandbox_accounts(control_url: str) -> list[dict[str, str]]:
    """The first real-type account of each broker at the sandbox."""
    try:
        async with httpx.AsyncClient(base_url=control_url, timeout=5) as client:
            answer = await client.get("/accounts")
            answer.raise_for_status()
            accounts: list[dict[str, str]] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise LocalError(f"the sandbox at {control_url} does not answer: {error}") from error
    chosen: dict[str, dict[str, str]] = {}
    for account in accounts:
        if account["environment"] == Environment.REAL.value:
            chosen.setdefault(account["broker"], account)
    return list(chosen.values())
