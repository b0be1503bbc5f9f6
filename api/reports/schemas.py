"""Daily reconciliation reports on the wire."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.domain.values import ObjectIdText
from api.reports.comparison import Difference, Totals


class ReconciliationReport(Struct, kw_only=True, frozen=True):
    """Whether execution stream, the broker's inquiries and Lucy's ledger agree on an account's KST day: ``green``, or ``red`` and in what.

    Codes of differences: ``broker_not_read`` (nothing could be compared), ``outcome_unknown`` and ``change_unconfirmed`` (not settled yet),
    ``missing_at_broker``, ``missing_in_ledger``, ``quantity_differs`` (shares filled), ``amount_differs`` (won), ``open_quantity_differs``,
    ``fill_not_streamed`` (shares that only the inquiry told of), ``notice_open``, ``notice_unreadable``, ``notice_contradicted`` (notices).
    """

    account_id: ObjectIdText
    day: date
    result: Literal["green", "red"]
    checked_at: datetime
    is_final: Annotated[bool, Meta(description="Written at the day's end; otherwise compared just now.")]
    order_count: int
    external_order_count: Annotated[int, Meta(description="Of these, placed outside Lucy and adopted.")]
    trade_cancel_count: Annotated[int, Meta(description="Trades that the exchange took back or corrected.")]
    ledger: Totals
    broker: Annotated[Totals | None, Meta(description="Null where the broker's list could not be read.")]
    differences: list[Difference]


class ReconciliationReportList(Struct, kw_only=True, frozen=True):
    """One report for each account that the caller sees."""

    items: list[ReconciliationReport]
