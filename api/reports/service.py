"""Daily reconciliation reports: compared on request for today, kept at the day's end."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import msgspec
import structlog
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from api.accounts.service import AccountService, BrokerAccount
from api.auth.principal import Principal
from api.brokers.base import BrokerOrder
from api.brokers.errors import BrokerError
from api.brokers.registry import BrokerRegistry
from api.domain.enums import Permission
from api.domain.order import Order
from api.errors import NotFound
from api.kit.clock import Clock, kst_day
from api.orders.inbox import Inbox
from api.orders.repository import DURABLE, OrderRepository
from api.reports.comparison import Difference, DifferenceCode, broker_totals, compare, count_external, count_trade_cancels, ledger_totals
from api.reports.schemas import ReconciliationReport

log = structlog.get_logger(__name__)

_SECOND_LOOK_SECONDS = 2.0
"""What differs at one look may be a fill on its way, or a list that lags: only what differs at both looks is reported."""

_KOREA = timezone(timedelta(hours=9))


class ReportService:
    """The collection ``reconciliation_reports``, one document for each account and KST day."""

    def __init__(
        self,
        *,
        database: AsyncDatabase[dict[str, Any]],
        orders: OrderRepository,
        inbox: Inbox,
        accounts: AccountService,
        brokers: BrokerRegistry,
        clock: Clock,
    ) -> None:
        self._collection = database["reconciliation_reports"].with_options(write_concern=DURABLE)
        self._orders = orders
        self._inbox = inbox
        self._accounts = accounts
        self._brokers = brokers
        self._clock = clock

    async def create_indexes(self) -> None:
        """All accounts' reports of a day."""
        await self._collection.create_index([("day", ASCENDING), ("account_id", ASCENDING)])

    async def get(self, principal: Principal, account_id: str, day: date | None) -> ReconciliationReport:
        """The report of one account; today's (None) is compared now, earlier ones are as they were kept.

        Raises:
            NotFound: Not the caller's account, or nothing was kept of that day.
        """
        account = await self._accounts.require(principal, account_id, Permission.VIEW)
        if day is None or day == self._today():
            return await self._report(account, is_final=False)
        found = await self._collection.find_one({"_id": _key(account_id, day)})
        if found is None:
            raise NotFound("No report of that day was kept.")
        return _from_stored(found)

    async def list_of_day(self, principal: Principal, day: date | None) -> list[ReconciliationReport]:
        """The reports of all accounts that the caller sees."""
        visible = await self._accounts.visible_account_ids(principal, Permission.VIEW)
        if day is None or day == self._today():
            accounts = [account for account in await self._accounts.list_active() if account.id in set(visible)]
            return list(await asyncio.gather(*(self._report(account, is_final=False) for account in accounts)))
        query = {"day": day.isoformat(), "account_id": {"$in": list(visible)}}
        return [_from_stored(document) async for document in self._collection.find(query).sort("_id", ASCENDING)]

    async def keep_todays(self) -> int:
        """Compare and keep the day that ends, for all connected accounts; doing it again replaces it. Returns how many are red."""
        reports = await asyncio.gather(*(self._report(account, is_final=True) for account in await self._accounts.list_active()))
        for report in reports:
            document = {"_id": _key(report.account_id, report.day), **msgspec.to_builtins(report)}
            await self._collection.replace_one({"_id": document["_id"]}, document, upsert=True)
            if report.result == "red":
                codes = sorted({entry.code.value for entry in report.differences})
                log.warning("reconciliation_report_red", account_id=report.account_id, day=report.day.isoformat(), codes=codes)
        return sum(report.result == "red" for report in reports)

    async def _report(self, account: BrokerAccount, *, is_final: bool) -> ReconciliationReport:
        checked_at = self._clock.now()
        day = kst_day(checked_at)
        rows: list[BrokerOrder] | None = None
        try:
            rows, orders, differences = await self._look(account, day)
            if differences:
                await asyncio.sleep(_SECOND_LOOK_SECONDS)
                rows, orders, again = await self._look(account, day)
                differences = [entry for entry in again if entry in differences]
        except BrokerError as error:
            log.warning("report_without_broker", account_id=account.id, problem=str(error))
            rows, orders = None, await self._orders.list_of_day(account.id, day.isoformat())
            differences = [Difference(code=DifferenceCode.BROKER_NOT_READ)]
        return ReconciliationReport(
            account_id=account.id,
            day=day,
            result="red" if differences else "green",
            checked_at=checked_at,
            is_final=is_final,
            order_count=len(orders),
            external_order_count=count_external(orders),
            trade_cancel_count=count_trade_cancels(orders),
            ledger=ledger_totals(orders),
            broker=None if rows is None else broker_totals(rows),
            differences=differences,
        )

    async def _look(self, account: BrokerAccount, day: date) -> tuple[list[BrokerOrder], Sequence[Order], list[Difference]]:
        adapter = self._brokers.adapter(await self._accounts.credentials(account))
        rows = await adapter.list_orders(day)
        orders = await self._orders.list_of_day(account.id, day.isoformat())  # after the list, as reconciliation does
        notices = await self._inbox.count_unapplied(account.id, datetime.combine(day, time(), _KOREA))
        return rows, orders, compare(orders, rows, notices)

    def _today(self) -> date:
        return kst_day(self._clock.now())


def _key(account_id: str, day: date) -> str:
    return f"{account_id}:{day.isoformat()}"


def _from_stored(document: dict[str, Any]) -> ReconciliationReport:
    return msgspec.convert({name: value for name, value in document.items() if name != "_id"}, ReconciliationReport)
