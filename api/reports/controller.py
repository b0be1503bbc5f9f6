"""Routes of daily reconciliation reports."""

from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from api.auth.principal import Principal
from api.problems import problems
from api.reports.schemas import ReconciliationReport, ReconciliationReportList
from api.reports.service import ReportService

_DAY = QueryParameter(description="KST day; left out: today, compared now. Earlier days as they were kept at their end.")


class ReportController(Controller):
    """Whether stream, inquiries and ledger agree, account by account."""

    path = "/"
    tags = ["reconciliation"]  # noqa: RUF012 - Litestar declares it so

    @get(
        "/accounts/{account_id:str}/reconciliation-report",
        operation_id="getReconciliationReport",
        summary="Daily reconciliation report of an account",
        responses=problems(400, 401, 404, 422),
    )
    async def get_report(
        self,
        account_id: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the account.")],
        principal: NamedDependency[Principal],
        report_service: NamedDependency[ReportService],
        day: Annotated[date | None, _DAY] = None,
    ) -> ReconciliationReport:
        """Green, or red with each difference named. What differs is looked at twice, two seconds apart, before it is reported."""
        return await report_service.get(principal, account_id, day)

    @get(
        "/reconciliation-reports",
        operation_id="listReconciliationReports",
        summary="Daily reconciliation reports",
        responses=problems(400, 401, 422),
    )
    async def list_reports(
        self,
        principal: NamedDependency[Principal],
        report_service: NamedDependency[ReportService],
        day: Annotated[date | None, _DAY] = None,
    ) -> ReconciliationReportList:
        """The reports of all accounts that the caller sees."""
        return ReconciliationReportList(items=await report_service.list_of_day(principal, day))
