"""What a message holds, and which events a webhook wants."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from api.webhooks.documents import WebhookDocument
from api.webhooks.messages import Message, account_of, wants

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def a_webhook(**changes: Any) -> WebhookDocument:
    members: dict[str, Any] = {
        "id": "hook",
        "user_id": "user",
        "name": "",
        "url": "https://erp.example.com/",
        "secret_encrypted": "",
        "is_active": True,
        "cursor": "0-0",
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return WebhookDocument(**members | changes)


def test_the_body_is_an_entry_of_the_event_log() -> None:
    message = Message.of("hook", "1763866800000-0", "alert", b'{"type":"alert","message":"\\uc8fc"}')

    assert json.loads(message.body) == {"id": "1763866800000-0", "event": "alert", "data": {"type": "alert", "message": "주"}}


@pytest.mark.parametrize(
    ("data", "account_id"),
    [
        ({"type": "order", "order": {"account_id": "a", "id": "1"}}, "a"),
        ({"type": "fill", "order_version": 2, "fill": {"account_id": "b"}}, "b"),
        ({"type": "stream", "account_id": "c"}, "c"),
        ({"type": "alert", "account_id": None}, None),
        ({"type": "resync"}, None),
        ({"type": "other", "order": "not an object"}, None),
    ],
)
def test_an_events_account_is_found_where_its_kind_names_it(data: dict[str, Any], account_id: str | None) -> None:
    assert account_of(json.dumps(data).encode()) == account_id


@pytest.mark.parametrize(
    ("filters", "event", "account_id", "wanted"),
    [
        ({}, "order", "a", True),
        ({"events": ["fill"]}, "order", "a", False),
        ({"events": ["fill"]}, "fill", "a", True),
        ({"events": ["fill"]}, "resync", None, True),
        ({"account_ids": ["a"]}, "order", "a", True),
        ({"account_ids": ["a"]}, "order", "b", False),
        ({"account_ids": ["a"]}, "alert", None, True),
        ({"events": ["fill"], "account_ids": ["a"]}, "fill", "b", False),
    ],
)
def test_filters_let_pass_what_was_asked_for(filters: dict[str, Any], event: str, account_id: str | None, wanted: bool) -> None:
    assert wants(a_webhook(**filters), event, account_id) is wanted
