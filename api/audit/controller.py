"""The route of the audit log, for admins."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.audit.schemas import AuditEntry, AuditPage, AuditVerification
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.errors import Forbidden
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems


class AuditController(Controller):
    """Read who changed what."""

    path = "/audit"
    tags = ["system"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listAudit", summary="Changes of money and rights (admin)", responses=problems(400, 401, 403, 422))
    async def list_audit(
        self,
        principal: NamedDependency[Principal],
        audit_service: NamedDependency[AuditService],
        subject: Annotated[str | None, QueryParameter(max_length=100, description="`kind:id` of what changed.")] = None,
        actor: Annotated[str | None, QueryParameter(max_length=100, description="User id, or `system`.")] = None,
        action: Annotated[str | None, QueryParameter(max_length=100, description="Such as `account.create`.")] = None,
        since: Annotated[datetime | None, QueryParameter(name="from", description="From this instant on.")] = None,
        until: Annotated[datetime | None, QueryParameter(name="to", description="Before this instant.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    ) -> AuditPage:
        """Entries, newest first."""
        if not principal.is_admin:
            raise Forbidden("Only admins may read the audit log.")
        entries = await audit_service.list_page(
            subject=subject, actor=actor, action=action, since=since, until=until, limit=limit + 1, before_id=decode_cursor(cursor)
        )
        next_cursor = encode_cursor(entries[limit - 1]["_id"]) if len(entries) > limit else None
        return AuditPage(items=[AuditEntry.of(entry) for entry in entries[:limit]], next_cursor=next_cursor)

    @get("/verify", operation_id="verifyAudit", summary="Check the audit log's chain (admin)", responses=problems(401, 403))
    async def verify_audit(self, principal: NamedDependency[Principal], audit_service: NamedDependency[AuditService]) -> AuditVerification:
        """Walk the whole chain and name the first entry that is not as it was written."""
        if not principal.is_admin:
            raise Forbidden("Only admins may read the audit log.")
        found = await audit_service.verify()
        return AuditVerification(
            is_whole=found.broken is None,
            entry_count=found.count,
            unchained_count=found.unchained_count,
            head=found.head,
            broken=found.broken,
        )
