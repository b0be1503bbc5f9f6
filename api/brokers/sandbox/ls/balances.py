"""Cash and holdings: t0424, CSPAQ12200, CSPAQ12300, CSPAQ22200, CSPBQ00200."""

from __future__ import annotations

from ..exchange import Exchange
from ..model import Account, Environment, Position, Side
from ..settlement import cost_of_buying, max_buy_quantity, trade_cost
from .codes import LISTED, MARKET_CODES, SIDES, Answer, inquired, symbol_of
from .gateway import Blocks, Call, Reply, Tr
from .wire import TEMPLATES, Block, decimal_text

_PAGE_ROWS = 30  # how many rows a page of t0424 has at LS is not known
_MARGIN_RATES = {
    "35": 30,
    "50": 40,
}  # LS's own example divides by 0.3 and 0.4 under these names
_UNKNOWN_SYMBOL = Answer("01524", "종목코드를 확인하세요.")


class BalanceDesk:
    """Reads the sandbox's accounts as LS's inquiries show them. All amounts in KRW won."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def trs(self) -> list[Tr]:
        """The balance TRs of ``/stock/accno``."""
        t0424 = {
            "prcgb": "s",
            "chegb": "s",
            "dangb": "s",
            "charge": "s",
            "cts_expcode": "s",
        }
        with_bep = {
            "BalCreTp": "s",
            "CmsnAppTpCode": "s",
            "D2balBaseQryTp": "s",
            "UprcTpCode": "s",
        }
        return [
            Tr("t0424", t0424, self.holdings),
            Tr("CSPAQ12200", {"BalCreTp": "s"}, self.deposits),
            Tr("CSPAQ22200", {"BalCreTp": "s"}, self.deposits_in_short),
            Tr("CSPAQ12300", with_bep, self.holdings_with_bep),
            Tr(
                "CSPBQ00200",
                {"BnsTpCode": "s", "IsuNo": "s", "OrdPrc": "n"},
                self.orderable,
            ),
        ]

    def holdings(self, call: Call) -> Reply:
        """t0424: trade basis for every ``chegb``; ``charge`` 0 leaves the costs of selling out. OutBlock1 is absent without holdings."""
        account = call.account
        with_costs = call.text("charge") != "0"
        shows_sold_out = call.text("chegb") == "0"  # 2 (and blank, as clients send it) drops them
        rows = [
            self._holding(position, with_costs=with_costs)
            for _, position in sorted(account.positions.items())
            if position.quantity or (shows_sold_out and position.sold_today)
        ]
        after = call.text("cts_expcode") if call.is_continued else ""
        total_value = sum(row["appamt"] for row in rows)
        total_cost = sum(row["appamt"] - row["dtsunik"] for row in rows)
        for row in rows:
            row["janrt"] = decimal_text(100 * row["appamt"] / total_value if total_value else 0.0)
        rest = [row for row in rows if row["expcode"] > after]
        page, has_more = rest[:_PAGE_ROWS], len(rest) > _PAGE_ROWS
        cursor = page[-1]["expcode"] if has_more else ""
        blocks: Blocks = {
            "t0424OutBlock": TEMPLATES["t0424OutBlock"]
            | {
                "sunamt": account.settled_cash + total_value,
                "sunamt1": account.settled_cash,
                "mamt": total_cost,
                "tappamt": total_value,
                "tdtsunik": total_value - total_cost,
                "cts_expcode": cursor,
            }
        }
        if page:
            blocks["t0424OutBlock1"] = page
        return Reply(LISTED, blocks, "Y" if has_more else "N", cursor)

    def _holding(self, position: Position, *, with_costs: bool) -> Block:
        instrument = self._exchange.instruments[position.symbol]
        price = self._exchange.last_price(position.symbol)
        worth = price * position.quantity
        buy_fee = cost_of_buying(position.cost, 1) - position.cost if with_costs else 0
        sell_fee = cost_of_buying(worth, 1) - worth if with_costs else 0
        tax = trade_cost(Side.SELL, worth, is_etf=instrument.is_etf) - sell_fee if with_costs else 0
        value, cost = worth - sell_fee - tax, position.cost + buy_fee
        return TEMPLATES["t0424OutBlock1"] | {
            "expcode": position.symbol,
            "janqty": position.quantity,
            "mdposqt": position.sellable,
            "pamt": round(position.average_price),
            "mamt": position.cost,
            "msat": position.bought_today,  # named an amount, holds a quantity in LS's own example
            "mpms": _ratio(position.bought_amount_today, position.bought_today),
            "mdat": position.sold_today,
            "mpmd": _ratio(position.sold_amount_today, position.sold_today),
            "hname": instrument.name,
            "price": price,
            "appamt": value,
            "dtsunik": value - cost,
            "sunikrt": decimal_text(100 * (value - cost) / cost if cost else 0.0),
            "fee": buy_fee + sell_fee,
            "tax": tax,
        }

    def deposits(self, call: Call) -> Reply:
        """CSPAQ12200."""
        account = call.account
        worth = self._exchange.value_of(account)
        cost = sum(position.cost for position in account.positions.values())
        cash = self._cash(account)
        body = (
            TEMPLATES["CSPAQ12200OutBlock2"]
            | cash
            | {
                "MnyoutAbleAmt": max(0, min(account.deposit, account.settled_cash) - account.reserved),
                "BalEvalAmt": worth,
                "DpsastTotamt": account.settled_cash + worth,
                "PnlRat": decimal_text((worth - cost) / cost if cost else 0.0, 6),
                "InvstOrgAmt": cost,
                "InvstPlAmt": worth - cost,
                "D1PrsmptWthdwAbleAmt": account.deposit,
                "D2PrsmptWthdwAbleAmt": max(0, account.settled_cash),
                "D1OrdAbleAmt": account.buying_power,
            }
        )
        echo = TEMPLATES["CSPAQ12200OutBlock1"] | {
            "AcntNo": account.number,
            "BalCreTp": call.text("BalCreTp"),
        }
        return Reply(
            inquired(account),
            {"CSPAQ12200OutBlock1": echo, "CSPAQ12200OutBlock2": body},
        )

    def deposits_in_short(self, call: Call) -> Reply:
        """CSPAQ22200."""
        account = call.account
        echo = TEMPLATES["CSPAQ12200OutBlock1"] | {
            "AcntNo": account.number,
            "BalCreTp": call.text("BalCreTp"),
        }
        body = TEMPLATES["CSPAQ22200OutBlock2"] | self._cash(account)
        return Reply(
            inquired(account),
            {"CSPAQ22200OutBlock1": echo, "CSPAQ22200OutBlock2": body},
        )

    def _cash(self, account: Account) -> Block:
        power = account.buying_power
        return {
            "AcntNm": account.name,
            "MnyOrdAbleAmt": power,
            "SeOrdAbleAmt": power if account.environment is Environment.REAL else 0,  # 0 in the paper server's example
            "KdqOrdAbleAmt": power if account.environment is Environment.REAL else 0,
            "MgnRat100pctOrdAbleAmt": power,
            "RcvblUablOrdAbleAmt": power,
            **{f"MgnRat{name}ordAbleAmt": _scaled(power, percent) for name, percent in _MARGIN_RATES.items()},
            "Dps": account.deposit,
            "D1Dps": account.deposit,
            "D2Dps": account.settled_cash,
            "MgnMny": account.reserved,
            "CrdaySellAdjstAmt": account.sold_today,
            "CrdayBuyAdjstAmt": account.bought_today,
        }

    def holdings_with_bep(self, call: Call) -> Reply:
        """CSPAQ12300. OutBlock2 stays zero, as in LS's own example; shares bought today show in ``BnsBaseBalQty`` only."""
        account = call.account
        echo = {"RecCnt": 1, "AcntNo": account.number, "Pwd": "********", **call.fields}
        rows = [self._holding_with_bep(account, position) for _, position in sorted(account.positions.items()) if position.quantity]
        body = TEMPLATES["CSPAQ12300OutBlock2"] | {"AcntNm": account.name}
        blocks: Blocks = {
            "CSPAQ12300OutBlock1": echo,
            "CSPAQ12300OutBlock2": body,
            "CSPAQ12300OutBlock3": rows,
        }
        return Reply(inquired(account), blocks)

    def _holding_with_bep(self, account: Account, position: Position) -> Block:
        instrument = self._exchange.instruments[position.symbol]
        price = self._exchange.last_price(position.symbol)
        worth = price * position.quantity
        return TEMPLATES["CSPAQ12300OutBlock3"] | {
            "IsuNo": f"A{position.symbol}",
            "IsuNm": instrument.name,
            "SecBalPtnCode": "00",
            "SecBalPtnNm": "유가KSE" if instrument.market == "KOSPI" else "코스닥",
            "BalQty": max(0, position.quantity - position.bought_today),
            "BnsBaseBalQty": position.quantity,
            "CrdayBuyExecQty": position.bought_today,
            "CrdaySellExecQty": position.sold_today,
            "BuyPrc": decimal_text(position.average_price, 4),
            "SellPrc": decimal_text(_ratio(position.sold_amount_today, position.sold_today), 4),
            "PnlRat": decimal_text((worth - position.cost) / position.cost if position.cost else 0.0, 6),
            "NowPrc": decimal_text(price),
            "AvrUprc": decimal_text(position.average_price),
            "SellAbleQty": position.sellable,
            "SellOrdQty": position.selling,
            "CrdayBuyExecAmt": position.bought_amount_today,
            "CrdaySellExecAmt": position.sold_amount_today,
            "BalEvalAmt": worth,
            "EvalPnl": worth - position.cost,
            "MnyOrdAbleAmt": account.buying_power,
            "OrdAbleAmt": account.buying_power,
            "SellUnercQty": position.selling,
            "PrdayCprc": decimal_text(instrument.reference_price),
            "PchsAmt": position.cost,
            "RegMktCode": MARKET_CODES[instrument.market],
        }

    def orderable(self, call: Call) -> Reply:
        """CSPBQ00200: the sandbox lends nothing, so the quantity is what cash pays for, or what is held when selling."""
        account = call.account
        instrument = self._exchange.instruments.get(symbol_of(call.text("IsuNo")))
        if instrument is None:
            return Reply(_UNKNOWN_SYMBOL)
        price = call.number("OrdPrc") or instrument.upper_limit
        bought = max_buy_quantity(account, price) if price > 0 else 0
        held = account.positions.get(instrument.symbol)
        quantity = bought if SIDES.get(call.text("BnsTpCode")) is not Side.SELL else held.sellable if held is not None else 0
        power = account.buying_power
        echo = {
            "RecCnt": 1,
            "AcntNo": account.number,
            "InptPwd": "********",
            **call.fields,
            "RegCommdaCode": "40",
        }
        echo["OrdPrc"] = decimal_text(call.fields["OrdPrc"])
        body = TEMPLATES["CSPBQ00200OutBlock2"] | {
            "AcntNm": account.name,
            "IsuNm": instrument.name,
            "Dps": account.deposit,
            "MnyOrdAbleAmt": power,
            "SeOrdAbleAmt": power,
            "KdqOrdAbleAmt": power,
            "MnyMgn": account.reserved,
            "PrsmptDpsD1": account.deposit,
            "PrsmptDpsD2": account.settled_cash,
            "MnyoutAbleAmt": max(0, min(account.deposit, account.settled_cash) - account.reserved),
            "CmsnRat": "0.00015",
            "FirmMgnRat": "1.0000",
            "IsuMgnRat": "1.0000",
            "AcntMgnRat": "1.0000",
            "TrdMgnrt": "1.0000",
            "Cmsn": cost_of_buying(price, quantity) - price * quantity,
            **{f"MgnRat{percent}pctOrdAbleAmt": _scaled(power, percent) for percent in (20, 30, 40, 100)},
            **{f"MgnRat{percent}OrdAbleQty": bought for percent in (20, 30, 40, 100)},
            "MgnRat100MnyOrdAbleAmt": power,
            "MgnRat100MnyOrdAbleQty": bought,
            "OrdAbleQty": quantity,
            "OrdAbleAmt": power,
        }
        return Reply(
            inquired(account),
            {"CSPBQ00200OutBlock1": echo, "CSPBQ00200OutBlock2": body},
        )


def _scaled(amount: int, percent: int) -> int:
    return (amount * 100 + percent // 2) // percent


def _ratio(amount: int, quantity: int) -> int:
    return round(amount / quantity) if quantity else 0
