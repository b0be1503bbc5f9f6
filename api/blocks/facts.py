"""What a split is computed from: the plan's lines with their funds' money and holdings, and what each account can take, asked now."""

import asyncio
from collections.abc import Mapping, Sequence
from fractions import Fraction

from msgspec import Struct

from api.accounts.service import AccountService, BrokerAccount
from api.brokers.errors import BrokerError
from api.brokers.registry import BrokerRegistry
from api.domain.allocation.methods import Line
from api.domain.allocation.split import Capacity
from api.domain.enums import Side
from api.errors import PositionUnknown
from api.funds.documents import FundDocument
from api.funds.service import FundService
from api.market.documents import InstrumentDocument
from api.plans.documents import PlanLineDocument


class Prices(Struct, kw_only=True, frozen=True):
    """Won a share. ``price``: what shares are reckoned by; ``cash_price``: what money is, never too little."""

    price: int
    cash_price: int


class Facts(Struct, kw_only=True, frozen=True):
    """Lines in the plan's order, and capacities by account."""

    lines: list[Line]
    capacities: dict[str, Capacity]


def prices_of(instrument: InstrumentDocument, limit_price: int | None, trading_day: str) -> Prices:
    """By the limit price; an order without one by the reference price, and for money by the day's upper limit, at which it may trade.

    Where today's upper limit is not known it is taken as 30 % above the reference price, the widest that KRX allows.
    """
    if limit_price is not None:
        return Prices(price=limit_price, cash_price=limit_price)
    upper = instrument.upper_limit_price if instrument.priced_day == trading_day else None
    return Prices(price=instrument.reference_price, cash_price=upper or -(-instrument.reference_price * 13 // 10))


class FactReader:
    """Reads funds, and asks brokers."""

    def __init__(self, funds: FundService, accounts: AccountService, brokers: BrokerRegistry) -> None:
        self._funds = funds
        self._accounts = accounts
        self._brokers = brokers

    async def read(
        self,
        lines: Sequence[PlanLineDocument],
        funds: Mapping[str, FundDocument],
        accounts: Mapping[str, BrokerAccount],
        symbol: str,
        side: Side,
        limit_price: int | None,
    ) -> Facts:
        """All facts of one split.

        Raises:
            PositionUnknown: A broker does not tell what its account can take.
        """
        money = {fund_id: await self._funds.money(fund) for fund_id, fund in funds.items()}
        held = {
            (fund_id, position.account_id): position
            for fund_id, fund in funds.items()
            for position in await self._funds.positions(fund)
            if position.symbol == symbol
        }
        capacities = await asyncio.gather(*(self._capacity(account, symbol, side, limit_price) for account in accounts.values()))
        found = []
        for line in lines:
            position = held.get((line.fund_id, line.account_id))
            found.append(
                Line(
                    id=line.id,
                    fund_id=line.fund_id,
                    account_id=line.account_id,
                    value=Fraction(line.value),
                    minimum=line.minimum,
                    maximum=line.maximum,
                    fund_value=funds[line.fund_id].value,
                    fund_cash=max(0, money[line.fund_id].available),
                    holding=0 if position is None else position.quantity,
                    sellable=0 if position is None else position.sellable_quantity,
                )
            )
        return Facts(lines=found, capacities=dict(zip(accounts, capacities, strict=True)))

    async def _capacity(self, account: BrokerAccount, symbol: str, side: Side, limit_price: int | None) -> Capacity:
        adapter = self._brokers.adapter(await self._accounts.credentials(account))
        try:
            if side is Side.BUY:
                return Capacity(cash=(await adapter.get_buying_power(symbol, limit_price)).orderable_cash, sellable=0)
            positions = await adapter.list_positions()
        except BrokerError as error:
            raise PositionUnknown(f"What the account {account.name} can take cannot be read: {error}", outcome="none") from error
        return Capacity(cash=0, sellable=sum(position.sellable_quantity for position in positions if position.symbol == symbol))
