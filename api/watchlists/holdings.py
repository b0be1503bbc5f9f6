"""What a user's accounts hold, added up by instrument."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from api.accounts.service import AccountService, BrokerAccount
from api.brokers.base import Position
from api.brokers.errors import BrokerError
from api.brokers.registry import BrokerRegistry
from api.market.sources import of_one_market
from api.watchlists.schemas import Holding


class Holdings(Struct, kw_only=True, frozen=True):
    """Holdings by symbol, the largest value first; ``names`` as the brokers give them.

    ``failures``: accounts that could not be read, and why. What they hold is not known: a symbol missing here may be held there.
    """

    items: Mapping[str, Holding]
    names: Mapping[str, str]
    failures: Mapping[str, BrokerError]


async def read_holdings(user_id: str, accounts: AccountService, brokers: BrokerRegistry) -> Holdings:
    """Ask every account of one market that the user may look at, side by side.

    Shares at the exchange and shares in the sandbox are not added up: `of_one_market`, as for prices.
    """
    asked = await market_of(user_id, accounts)
    answers = await asyncio.gather(*(_positions(account, accounts, brokers) for account in asked))
    found: dict[str, list[tuple[str, Position]]] = defaultdict(list)
    failures: dict[str, BrokerError] = {}
    for account, answer in zip(asked, answers, strict=True):
        if isinstance(answer, BrokerError):
            failures[account.id] = answer
            continue
        for position in answer:
            found[position.symbol].append((account.id, position))
    items = {symbol: _added(parts) for symbol, parts in found.items()}
    order = sorted(items, key=lambda symbol: (-items[symbol].evaluation_amount, symbol))
    names = {symbol: parts[0][1].name for symbol, parts in found.items()}
    return Holdings(items={symbol: items[symbol] for symbol in order}, names=names, failures=failures)


async def market_of(user_id: str, accounts: AccountService) -> list[BrokerAccount]:
    """The accounts of one market that the user is a member of, whatever they may do there; those at the exchange, else in the sandbox."""
    return of_one_market(account for account in await accounts.list_active() if user_id in account.members)


async def _positions(account: BrokerAccount, accounts: AccountService, brokers: BrokerRegistry) -> Sequence[Position] | BrokerError:
    try:
        return await brokers.adapter(await accounts.credentials(account)).list_positions()
    except BrokerError as error:
        return error


def _added(parts: Sequence[tuple[str, Position]]) -> Holding:
    positions = [position for _, position in parts]
    quantity = sum(position.quantity for position in positions)
    cost = sum(position.purchase_amount for position in positions)
    profit = sum(position.profit_amount for position in positions)
    return Holding(
        quantity=quantity,
        sellable_quantity=sum(position.sellable_quantity for position in positions),
        average_price=round(cost / quantity, 4),
        purchase_amount=cost,
        current_price=positions[0].current_price,
        evaluation_amount=sum(position.evaluation_amount for position in positions),
        profit_amount=profit,
        profit_rate=round(profit / cost * 100, 2) if cost else None,
        account_ids=[account_id for account_id, _ in parts],
    )
