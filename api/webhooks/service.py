"""Webhooks as their owner makes, changes, tests and repeats them. Delivering by itself is the worker's (`worker.webhooks`)."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from api.accounts.service import AccountService
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.domain.enums import Permission
from api.errors import Conflict, NotFound
from api.events.hub import EventHub
from api.events.schemas import ResyncEvent
from api.kit.clock import Clock
from api.kit.crypto import Cipher
from api.webhooks.attempts import Attempts, Kind
from api.webhooks.documents import WebhookDocument
from api.webhooks.messages import Message, account_of
from api.webhooks.repository import NOT_FAILING, WebhookRepository
from api.webhooks.schemas import ChangeWebhook, CreateWebhook, RotatedSecret, WebhookDelivery, WebhookTestEvent
from api.webhooks.signing import new_secret
from api.webhooks.targets import require_good_url

_MOST_OF_A_USER = 20
_PREVIOUS_SECRET_KEPT = timedelta(days=1)
_AT_ONCE = 8
"""Calls of owners that wait for receivers, in this process: deliveries by the worker are not among them."""


class WebhookService:
    """What a user does with webhooks; another's is not found."""

    def __init__(
        self,
        *,
        webhooks: WebhookRepository,
        hub: EventHub,
        accounts: AccountService,
        audit: AuditService,
        attempts: Attempts,
        cipher: Cipher,
        clock: Clock,
        new_id: Callable[[], str],
        is_local: bool,
    ) -> None:
        self._webhooks = webhooks
        self._attempts = attempts
        self._hub = hub
        self._accounts = accounts
        self._audit = audit
        self._cipher = cipher
        self._clock = clock
        self._new_id = new_id
        self._is_local = is_local
        self._calls = asyncio.Semaphore(_AT_ONCE)

    async def get(self, principal: Principal, webhook_id: str) -> WebhookDocument:
        """The caller's webhook; `NotFound` for any other."""
        webhook = await self._webhooks.find_of(principal.user_id, webhook_id)
        if webhook is None:
            raise NotFound("There is no such webhook.")
        return webhook

    async def list_all(self, principal: Principal) -> list[WebhookDocument]:
        """The caller's webhooks, oldest first."""
        return await self._webhooks.list_of(principal.user_id)

    async def create(self, principal: Principal, request: CreateWebhook) -> tuple[WebhookDocument, str]:
        """Make a webhook that gets what happens from now on.

        Returns:
            The webhook, and its secret, which nobody is shown again.

        Raises:
            InvalidRequest: Lucy may not call this address.
            NotFound: An account that is not the caller's.
            Conflict: There are too many already.
        """
        await require_good_url(request.url, is_local=self._is_local)
        await self._require_accounts(principal, request.account_ids)
        if len(await self._webhooks.list_of(principal.user_id)) >= _MOST_OF_A_USER:
            raise Conflict(f"There may be {_MOST_OF_A_USER} webhooks at most.")
        secret = new_secret()
        now = self._clock.now()
        webhook = WebhookDocument(
            id=self._new_id(),
            user_id=principal.user_id,
            name=request.name,
            url=request.url,
            events=None if request.events is None else sorted(set(request.events)),
            account_ids=None if request.account_ids is None else sorted(set(request.account_ids)),
            secret_encrypted=self._cipher.encrypt(secret),
            is_active=True,
            cursor=await self._hub.last_id(principal.user_id),
            created_at=now,
            updated_at=now,
            version=1,
        )
        await self._webhooks.insert(webhook)
        await self._record(principal, "webhook.create", webhook.id, None, webhook)
        return webhook, secret

    async def change(self, principal: Principal, webhook_id: str, request: ChangeWebhook) -> WebhookDocument:
        """Change it. Whatever is changed ends the waiting for the next attempt; raises as `create` does."""
        before = await self.get(principal, webhook_id)
        changes: dict[str, Any] = {}
        if request.url is not UNSET:
            await require_good_url(request.url, is_local=self._is_local)
            changes["url"] = request.url
        if request.name is not UNSET:
            changes["name"] = request.name
        if request.events is not UNSET:
            changes["events"] = None if request.events is None else sorted(set(request.events))
        if request.account_ids is not UNSET:
            await self._require_accounts(principal, request.account_ids)
            changes["account_ids"] = None if request.account_ids is None else sorted(set(request.account_ids))
        if request.is_active is not UNSET:
            changes |= {"is_active": request.is_active, "disabled_reason": None if request.is_active else "by_user"}
        if not changes:
            return before
        after = await self._write(before, changes | NOT_FAILING)
        await self._record(principal, "webhook.change", webhook_id, before, after)
        return after

    async def delete(self, principal: Principal, webhook_id: str) -> None:
        """Remove it; a delivery under way may still arrive."""
        before = await self.get(principal, webhook_id)
        await self._webhooks.delete(webhook_id)
        await self._record(principal, "webhook.delete", webhook_id, before, None)

    async def rotate_secret(self, principal: Principal, webhook_id: str) -> RotatedSecret:
        """Give it a new secret; the old one signs beside it for a day, so that no receiver refuses a message meanwhile."""
        before = await self.get(principal, webhook_id)
        secret = new_secret()
        until = self._clock.now() + _PREVIOUS_SECRET_KEPT
        changes = {
            "secret_encrypted": self._cipher.encrypt(secret),
            "previous_secret_encrypted": before.secret_encrypted,
            "previous_secret_until": until,
        }
        after = await self._write(before, changes)
        await self._record(principal, "webhook.rotate_secret", webhook_id, before, after)
        return RotatedSecret(secret=secret, previous_until=until)

    async def list_deliveries(
        self, principal: Principal, webhook_id: str, *, status: str | None, limit: int, before_id: str | None
    ) -> list[WebhookDelivery]:
        """The log, newest first."""
        await self.get(principal, webhook_id)
        return await self._webhooks.list_deliveries(webhook_id, status=status, limit=limit, before_id=before_id)

    async def test(self, principal: Principal, webhook_id: str) -> WebhookDelivery:
        """Send a ``test`` event now, also to a disabled webhook; the answer tells how it went."""
        webhook = await self.get(principal, webhook_id)
        message = Message.of(webhook.id, f"test-{self._new_id()}", "test", self._test_data(webhook))
        return await self._attempt(webhook, message, kind="test", attempt=1)

    async def retry(self, principal: Principal, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """Send the event of a past attempt once more, now, under the same ``webhook-id``.

        Raises:
            NotFound: No such attempt, or the event's account is not the caller's any more.
            Conflict: The event is not kept any more.
        """
        webhook = await self.get(principal, webhook_id)
        past = await self._webhooks.find_delivery(webhook_id, delivery_id)
        if past is None:
            raise NotFound("There is no such delivery.")
        data = self._test_data(webhook) if past.event == "test" else await self._data_of(principal, past)
        message = Message(id=past.message_id, event_id=past.event_id, event=past.event, data=data)
        delivery = await self._attempt(webhook, message, kind="retry", attempt=past.attempt + 1)
        if delivery.status == "delivered" and webhook.attempt:  # the receiver is back: the worker need not wait any longer
            await self._write(webhook, NOT_FAILING)
        return delivery

    def _test_data(self, webhook: WebhookDocument) -> bytes:
        return msgspec.json.encode(WebhookTestEvent(type="test", at=self._clock.now(), webhook_id=webhook.id))

    async def _data_of(self, principal: Principal, past: WebhookDelivery) -> bytes:
        if past.event == "resync":
            return msgspec.json.encode(ResyncEvent(type="resync", at=self._clock.now()))
        kept = await self._hub.find(principal.user_id, past.event_id)
        if kept is None:
            raise Conflict("The event is not kept any more: read the order instead.")
        account_id = account_of(kept[1])
        if account_id is not None:
            await self._accounts.require(principal, account_id, Permission.VIEW)
        return kept[1]

    async def _attempt(self, webhook: WebhookDocument, message: Message, *, kind: Kind, attempt: int) -> WebhookDelivery:
        async with self._calls:
            delivery = await self._attempts.make(webhook, message, kind=kind, attempt=attempt)
        await self._webhooks.log([delivery])
        return delivery

    async def _require_accounts(self, principal: Principal, account_ids: Sequence[str] | None) -> None:
        for account_id in account_ids or ():
            await self._accounts.require(principal, account_id, Permission.VIEW)

    async def _write(self, before: WebhookDocument, changes: dict[str, Any]) -> WebhookDocument:
        after = await self._webhooks.change(before.id, changes | {"updated_at": self._clock.now()})
        if after is None:
            raise NotFound("There is no such webhook.")
        return after

    async def _record(
        self, principal: Principal, action: str, webhook_id: str, before: WebhookDocument | None, after: WebhookDocument | None
    ) -> None:
        await self._audit.record(
            actor=principal.user_id, action=action, subject=f"webhook:{webhook_id}", before=_audited(before), after=_audited(after)
        )


def _audited(webhook: WebhookDocument | None) -> dict[str, Any] | None:
    if webhook is None:
        return None
    return {
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events,
        "account_ids": webhook.account_ids,
        "is_active": webhook.is_active,
        "version": webhook.version,
    }
