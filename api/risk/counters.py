"""What was used of the counted limits: won of the day, orders of the last second and minute, the last order of a kind.

Choice: Redis, one script for all limits of an order, so that two orders at once cannot both slip under a limit, and an order that one
limit refuses uses up nothing of another. The won of a day are kept as one claim an order, not as a bare sum. So they can be seeded from
the stored orders at any time: a claim that is there already is not counted twice. It is done when a process first meets a day, when
limits changed (where there were none, nothing was counted), and after each failure of Redis, which may have come back without its last
second. If Redis does not answer, the order is refused.

What is given up: won of orders that were refused while nobody could tell Redis stay counted until the day ends. Too much is the safe side.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.domain.enums import OrderStatus
from api.errors import RiskLimitsUnknown

log = structlog.get_logger(__name__)

SECOND = 1_000_000
"""Microseconds, as the script reckons."""

_DAY_SECONDS = 2 * 24 * 3600
_SEED_AT_ONCE = 500
_COUNTED, _UNSEEDED = 1, 2
_CLAIM = (Path(__file__).parent / "claim.lua").read_text(encoding="utf-8")
_SEED = """
for index = 2, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[1], 'claim:' .. ARGV[index], ARGV[index + 1]) == 1 then
    redis.call('HINCRBY', KEYS[1], 'total', ARGV[index + 1])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return #ARGV
"""
_RELEASE = """
for index, key in ipairs(KEYS) do
  local kind = ARGV[index + 1]
  if kind == 'day' then
    local amount = redis.call('HGET', key, 'claim:' .. ARGV[1])
    if amount then
      redis.call('HDEL', key, 'claim:' .. ARGV[1])
      redis.call('HINCRBY', key, 'total', -tonumber(amount))
    end
  elseif kind == 'rate' then
    redis.call('ZREM', key, ARGV[1])
  else
    local last = redis.call('GET', key)
    if last and string.match(last, ' (.*)$') == ARGV[1] then redis.call('DEL', key) end
  end
end
return #KEYS
"""


class Check(Struct, kw_only=True, frozen=True):
    """One counted limit of one order.

    Attributes:
        kind: ``day``, ``rate`` or ``same``.
        owner: Whose limit: ``account:<id>`` or ``user:<id>``.
        subject: ``day``: the KST day; ``same``: the fingerprint; ``rate``: empty.
        limit: Won or orders; 0 for ``same``.
        amount: Won that the order adds to the day.
        window: Microseconds that count; 0 for ``day``.
        is_free: Exceeding it was confirmed.
    """

    kind: str
    owner: str
    subject: str
    limit: int
    amount: int = 0
    window: int = 0
    is_free: bool = False


class LimitCounters:
    """Counts orders against limits; see the module."""

    def __init__(self, redis: Redis, prefix: str, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._redis = redis
        self._prefix = prefix
        self._orders = database["orders"]
        self._claim = redis.register_script(_CLAIM)
        self._seed = redis.register_script(_SEED)
        self._release = redis.register_script(_RELEASE)
        self._seeded: set[str] = set()
        self._limits_version = -1

    async def claim(self, claim: str, checks: Sequence[Check], *, limits_version: int, is_dry: bool) -> tuple[bool, list[int]]:
        """Count the order against all checks, unless one is exceeded that must not be.

        Args:
            claim: Names the order; the same claim counts once in a day.
            checks: What is looked at, all in one step.
            limits_version: Of the limits that the checks come from.
            is_dry: Look, and count nothing.

        Returns:
            Whether it was counted, and for each check what it comes to: won of the day, orders with this one, or microseconds since the
            twin (-1 where none stands in the way).

        Raises:
            RiskLimitsUnknown: Redis did not answer.
        """
        if limits_version != self._limits_version:
            self._seeded.clear()
            self._limits_version = limits_version
        keys = [self._key(check) for check in checks]
        spec = msgspec.json.encode(
            {
                "claim": claim,
                "is_dry": is_dry,
                "checks": [
                    {"kind": check.kind, "limit": check.limit, "amount": check.amount, "is_free": check.is_free, "window": check.window}
                    for check in checks
                ],
            }
        )
        try:
            for key, check in zip(keys, checks, strict=True):
                if check.kind == "day" and key not in self._seeded:
                    await self._seed_day(key, check)
            state, *numbers = await self._claim(keys=keys, args=[spec])
            while state == _UNSEEDED:  # Redis lost the day under us
                await self._seed_day(keys[numbers[0] - 1], checks[numbers[0] - 1])
                state, *numbers = await self._claim(keys=keys, args=[spec])
        except RedisError as error:
            self._seeded.clear()
            log.error("risk_counters_unavailable", problem=str(error))
            raise RiskLimitsUnknown("What was used of the risk limits cannot be read, so nothing is sent.", outcome="none") from error
        return state == _COUNTED, [int(number) for number in numbers]

    async def release(self, claim: str, checks: Sequence[Check]) -> None:
        """Give back what an order had claimed; best effort, for too much counted is the safe side."""
        try:
            await self._release(keys=[self._key(check) for check in checks], args=[claim, *(check.kind for check in checks)])
        except RedisError as error:
            self._seeded.clear()
            log.warning("risk_claim_not_released", claim=claim, problem=str(error))

    async def create_indexes(self) -> None:
        """What a user's day is seeded by; an account's has its index already."""
        await self._orders.create_index([("created_by", 1), ("trading_day", 1)])

    def _key(self, check: Check) -> str:
        return f"{self._prefix}:risk:{{{check.owner}}}:{check.kind}:{check.subject}"

    async def _seed_day(self, key: str, check: Check) -> None:
        """Claim for every order of the day that stands; those that are claimed already stay as they are."""
        kind, _, owner_id = check.owner.partition(":")
        query = {
            "account_id" if kind == "account" else "created_by": owner_id,
            "trading_day": check.subject,
            "status": {"$ne": OrderStatus.REJECTED.value},
        }
        fields = {"risk_amount": 1, "quantity": 1, "limit_price": 1, "filled_amount": 1}
        arguments: list[str | int] = []
        async for order in self._orders.find(query, projection=fields):
            # orders from before there were limits, and orders placed outside Lucy, carry no amount of their own
            amount = max(order.get("risk_amount", 0), order["quantity"] * (order["limit_price"] or 0), order["filled_amount"])
            arguments += [str(order["_id"]), amount]
        for start in range(0, len(arguments), 2 * _SEED_AT_ONCE):
            await self._seed(keys=[key], args=[_DAY_SECONDS, *arguments[start : start + 2 * _SEED_AT_ONCE]])
        await self._seed(keys=[key], args=[_DAY_SECONDS])
        await self._mark_seeded(key)
        if len(self._seeded) > 10_000:
            self._seeded.clear()
        self._seeded.add(key)

    async def _mark_seeded(self, key: str) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(key, "seeded", "1")
            pipeline.expire(key, _DAY_SECONDS)
            await pipeline.execute()
