"""What ``lucy demo`` prints as it goes, and its end: what was heard, what Lucy stored and what the market did, order by order."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from api.local.errors import LocalError

Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One order in the final comparison: what was heard, what Lucy stored, what the market did."""

    name: str
    order: Json
    heard: list[Json]
    executions: list[Json]
    expected: str

    @property
    def ledger_quantity(self) -> int:
        """Shares that the market executed."""
        return sum(int(entry["quantity"]) for entry in self.executions)

    @property
    def ledger_amount(self) -> int:
        """Won that the market executed."""
        return sum(int(entry["quantity"]) * int(entry["price"]) for entry in self.executions)

    @property
    def agrees(self) -> bool:
        """Whether all three tell the same and the order ended as it should.

        A fill that the inquiry had to add (``reconciliation``) may stand for several executions: then the sums count.
        """
        order, fills = self.order, self.order["fills"]
        same_parts = Counter((fill["quantity"], fill["price"]) for fill in fills) == Counter(
            (entry["quantity"], entry["price"]) for entry in self.executions
        )
        return (
            order["status"] == self.expected
            and (order["cumulative_quantity"], order["filled_amount"]) == (self.ledger_quantity, self.ledger_amount)
            and sum(fill["quantity"] for fill in fills) == self.ledger_quantity
            and {fill["id"] for fill in self.heard} == {fill["id"] for fill in fills}
            and (same_parts or any(fill["source"] == "reconciliation" for fill in fills))
        )


def pad(text: str, columns: int) -> str:
    """The text, filled up to so many columns of a terminal; a Hangul syllable takes two."""
    width = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return text + " " * max(1, columns - width)


def print_rows(rows: Sequence[Row]) -> None:
    """The table."""
    print(f"\n{'at':<5}{pad('name', 14)}{'order numbers':<22}{'status':<10}{'fills':>6}{'shares':>9}{'ledger':>9}{'won':>15}{'ledger':>15}")
    for row in rows:
        order = row.order
        print(
            f"{order['broker'].upper():<5}{pad(row.name, 14)}{' > '.join(order['broker_order_ids']):<22}{order['status']:<10}"
            f"{len(row.heard):>6}{order['cumulative_quantity']:>9,}{row.ledger_quantity:>9,}"
            f"{order['filled_amount']:>15,}{row.ledger_amount:>15,}  {'agree' if row.agrees else 'DIFFER'}"
        )


def body_of(answer: httpx.Response) -> Any:
    """The answer's JSON; raises `LocalError` with the server's own words where it is an error."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.text[:200]
    if answer.is_error:
        detail = body.get("detail", body) if isinstance(body, dict) else body
        raise LocalError(f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}: {detail}")
    return body


def say(what: str, text: str) -> None:
    """One line of the run."""
    print(f"{clock()}  {what:<7}{text}", flush=True)


def clock() -> str:
    """When it was done or arrived here."""
    return datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
