"""Routes of webhooks."""

from typing import Annotated, Literal

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.principal import Principal
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems
from api.webhooks.schemas import (
    ChangeWebhook,
    CreateWebhook,
    NewWebhook,
    RotatedSecret,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryPage,
    WebhookPage,
)
from api.webhooks.service import WebhookService

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the webhook.")
_DELIVERY_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the delivery.")


class WebhookController(Controller):
    """Have events posted to an address, signed by the Standard Webhooks convention."""

    path = "/webhooks"
    tags = ["webhooks"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listWebhooks", summary="List webhooks", responses=problems(401))
    async def list_webhooks(self, principal: NamedDependency[Principal], webhook_service: NamedDependency[WebhookService]) -> WebhookPage:
        """The caller's webhooks."""
        return WebhookPage(items=[Webhook.of(webhook) for webhook in await webhook_service.list_all(principal)], next_cursor=None)

    @post(operation_id="createWebhook", summary="Make a webhook", responses=problems(400, 401, 403, 404, 409, 422))
    async def create_webhook(
        self, data: JSONBody[CreateWebhook], principal: NamedDependency[Principal], webhook_service: NamedDependency[WebhookService]
    ) -> NewWebhook:
        """Have what happens from now on posted to an address; the secret is shown this once.

        Each event is posted as `GET /events/log` gives it, at least once and in order; any 2xx within 10 s takes it. What is not taken is
        tried again after 1 s, 5 s, 30 s, 2 min and so on, later events wait; after a day the webhook is disabled, and an `alert` says so.
        """
        webhook, secret = await webhook_service.create(principal, data)
        return NewWebhook.with_secret(webhook, secret)

    @get("/{webhook_id:str}", operation_id="getWebhook", summary="One webhook", responses=problems(401, 404))
    async def get_webhook(
        self,
        webhook_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
    ) -> Webhook:
        """One webhook, and how its deliveries go."""
        return Webhook.of(await webhook_service.get(principal, webhook_id))

    @patch("/{webhook_id:str}", operation_id="changeWebhook", summary="Change a webhook", responses=problems(400, 401, 403, 404, 422))
    async def change_webhook(
        self,
        webhook_id: Annotated[str, _ID],
        data: JSONBody[ChangeWebhook],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
    ) -> Webhook:
        """Change it; deliveries follow within about 2 s, and an event that waits for its next attempt is tried at once."""
        return Webhook.of(await webhook_service.change(principal, webhook_id, data))

    @delete("/{webhook_id:str}", operation_id="deleteWebhook", summary="Remove a webhook", responses=problems(401, 403, 404))
    async def delete_webhook(
        self,
        webhook_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
    ) -> None:
        """Remove it and its log; deliveries end within about 2 s."""
        await webhook_service.delete(principal, webhook_id)

    @post(
        "/{webhook_id:str}/rotate-secret",
        status_code=200,
        operation_id="rotateWebhookSecret",
        summary="Give a webhook a new secret",
        responses=problems(401, 403, 404),
    )
    async def rotate_secret(
        self,
        webhook_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
    ) -> RotatedSecret:
        """A new secret, shown this once. For a day each message is signed with the old one as well."""
        return await webhook_service.rotate_secret(principal, webhook_id)

    @post(
        "/{webhook_id:str}/test",
        status_code=200,
        operation_id="testWebhook",
        summary="Send a test event",
        responses=problems(401, 403, 404),
    )
    async def test_webhook(
        self,
        webhook_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
    ) -> WebhookDelivery:
        """Post an event `test` now, beside the others; the answer tells how it went."""
        return await webhook_service.test(principal, webhook_id)

    @get(
        "/{webhook_id:str}/deliveries",
        operation_id="listWebhookDeliveries",
        summary="Delivery log",
        responses=problems(400, 401, 404, 422),
    )
    async def list_deliveries(
        self,
        webhook_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
        status: Annotated[Literal["delivered", "failed"] | None, QueryParameter(description="Only these.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    ) -> WebhookDeliveryPage:
        """Attempts, newest first; kept for a week."""
        found = await webhook_service.list_deliveries(
            principal, webhook_id, status=status, limit=limit + 1, before_id=decode_cursor(cursor)
        )
        next_cursor = encode_cursor(found[limit - 1].id) if len(found) > limit else None
        return WebhookDeliveryPage(items=found[:limit], next_cursor=next_cursor)

    @post(
        "/{webhook_id:str}/deliveries/{delivery_id:str}/retry",
        status_code=200,
        operation_id="retryWebhookDelivery",
        summary="Send an event again",
        responses=problems(401, 403, 404, 409),
    )
    async def retry_delivery(
        self,
        webhook_id: Annotated[str, _ID],
        delivery_id: Annotated[str, _DELIVERY_ID],
        principal: NamedDependency[Principal],
        webhook_service: NamedDependency[WebhookService],
    ) -> WebhookDelivery:
        """Post the event of a past attempt again now, with the same `webhook-id`; where it gets through, waiting events follow at once."""
        return await webhook_service.retry(principal, webhook_id, delivery_id)
