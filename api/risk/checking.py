"""Whether an order keeps the limits of its account and its user, and the claim that it then has on them."""

from collections.abc import Sequence

from msgspec import Struct

from api.errors import RiskConfirmationRequired, RiskLimitExceeded, RiskLimitsUnknown
from api.risk.book import LimitBook
from api.risk.counters import SECOND, Check, LimitCounters
from api.risk.limits import LimitCode, LimitSet, Proposal, Scope, Violation, check_order, needs_counting, unconfirmed

_MINUTE = 60 * SECOND


class Claim(Struct, kw_only=True, frozen=True):
    """What an order has used up of the limits. ``exceeded``: what it exceeds all the same, for it was confirmed."""

    key: str
    checks: tuple[Check, ...] = ()
    exceeded: tuple[Violation, ...] = ()


class RiskChecks:
    """Checks orders against limits. Where neither account nor user has any, it costs two look-ups in memory."""

    def __init__(self, book: LimitBook, counters: LimitCounters) -> None:
        self._book = book
        self._counters = counters

    async def claim(self, proposal: Proposal, confirmed: frozenset[str]) -> Claim:
        """Count an order against every limit, or refuse it and count nothing.

        Args:
            proposal: The order.
            confirmed: Codes of the limits that the caller knowingly exceeds.

        Raises:
            RiskLimitExceeded: At least one that blocks. All that would be exceeded are listed.
            RiskConfirmationRequired: Only such as may be confirmed.
            TradingStateUnknown, RiskLimitsUnknown: The limits, or what was used of them, cannot be read.
        """
        owners: tuple[tuple[Scope, str], ...] = (("account", f"account:{proposal.account_id}"), ("user", f"user:{proposal.user_id}"))
        found = await self._book.limits_of(*(owner for _, owner in owners))
        violations: list[Violation] = []
        counted: list[tuple[Check, LimitCode, Scope]] = []
        for (scope, owner), limits in zip(owners, found, strict=True):
            violations += check_order(proposal, limits, scope)
            if needs_counting(limits):
                counted += [(check, code, scope) for check, code in _checks(proposal, limits, owner, confirmed)]
        if counted:
            checks = tuple(check for check, _, _ in counted)
            is_dry = bool(unconfirmed(violations, confirmed))
            is_counted, actuals = await self._counters.claim(proposal.key, checks, limits_version=self._book.version, is_dry=is_dry)
            by_scope = {scope: limits for (scope, _), limits in zip(owners, found, strict=True)}
            violations += _exceeded(counted, actuals, by_scope)
            if is_counted:
                return Claim(key=proposal.key, checks=checks, exceeded=tuple(violations))
        if open_ones := unconfirmed(violations, confirmed):
            raise _refusal(violations, open_ones)
        if counted:
            raise RiskLimitsUnknown("The order was not counted against its limits, so nothing is sent.", outcome="none")
        return Claim(key=proposal.key, exceeded=tuple(violations))

    async def release(self, claim: Claim, *, was_sent: bool) -> None:
        """Give back the claim of an order that does not stand. One that had left for the broker stays counted as an order."""
        checks = [check for check in claim.checks if not (was_sent and check.kind == "rate")]
        if checks:
            await self._counters.release(claim.key, checks)


def _checks(proposal: Proposal, limits: LimitSet, owner: str, confirmed: frozenset[str]) -> list[tuple[Check, LimitCode]]:
    found = []
    if (day := limits.day_value) is not None and proposal.added_amount > 0:
        check = Check(kind="day", owner=owner, subject=proposal.trading_day, limit=day.limit, amount=proposal.added_amount)
        found.append((check, LimitCode.DAY_VALUE))
    for code, rate, window in (
        (LimitCode.ORDERS_PER_SECOND, limits.orders_per_second, SECOND),
        (LimitCode.ORDERS_PER_MINUTE, limits.orders_per_minute, _MINUTE),
    ):
        if rate is not None:
            found.append((Check(kind="rate", owner=owner, subject="", limit=rate.limit, window=window), code))
    if (same := limits.same_order) is not None and not proposal.is_replacement:
        check = Check(kind="same", owner=owner, subject=proposal.fingerprint, limit=0, window=same.limit * SECOND)
        found.append((check, LimitCode.SAME_ORDER))
    return [(_freed(check, code, limits, confirmed), code) for check, code in found]


def _freed(check: Check, code: LimitCode, limits: LimitSet, confirmed: frozenset[str]) -> Check:
    limit = getattr(limits, code.value)
    if limit.action != "confirm" or code not in confirmed:
        return check
    return Check(
        kind=check.kind,
        owner=check.owner,
        subject=check.subject,
        limit=check.limit,
        amount=check.amount,
        window=check.window,
        is_free=True,
    )


def _exceeded(counted: Sequence[tuple[Check, LimitCode, Scope]], actuals: Sequence[int], limits: dict[Scope, LimitSet]) -> list[Violation]:
    found = []
    for (check, code, scope), actual in zip(counted, actuals, strict=True):
        limit = getattr(limits[scope], code.value)
        if check.kind == "same":
            if actual >= 0:
                seconds = round(actual / SECOND, 3)
                found.append(Violation(code=code, scope=scope, action=limit.action, limit=limit.limit, actual=seconds))
        elif actual > check.limit:
            found.append(Violation(code=code, scope=scope, action=limit.action, limit=limit.limit, actual=actual))
    return found


def _refusal(violations: Sequence[Violation], open_ones: Sequence[Violation]) -> RiskLimitExceeded | RiskConfirmationRequired:
    listed = [
        {"code": entry.code.value, "scope": entry.scope, "action": entry.action, "limit": entry.limit, "actual": entry.actual}
        for entry in violations
    ]
    words = ", ".join(f"{entry.code} of the {entry.scope}: {entry.actual:,} against {entry.limit:,}" for entry in open_ones)
    kind = RiskLimitExceeded if any(entry.action == "block" for entry in open_ones) else RiskConfirmationRequired
    return kind(f"The order exceeds {words}.", violations=listed, outcome="none")
