"""What KIS knows of stocks besides prices, and its customer's HTS lists: which TR, which parameters.

Source: ``examples_llm/domestic_stock`` of the official repository (head 885dd4e), one folder a TR. No live call has confirmed any of it.
Two things its samples do not say were measured by others in 2026-08: ``invest-opbysec`` takes the last three of the five digits of a firm
(all five give an empty answer), and its answer is cut at 100 rows without a page mark.
"""

from collections.abc import Mapping
from datetime import date

from api.brokers.base import CallClass, Credentials
from api.brokers.capabilities import Capabilities, Inquiry
from api.brokers.errors import BrokerProtocolError, BrokerRejected, BrokerUnsupported
from api.brokers.kis.codes import FINANCE, NO_STOCK_FOUND, QUOTATIONS, Tr
from api.brokers.kis.envelope import KIS, Envelope
from api.brokers.kis.files import MasterFiles
from api.brokers.kis.parse_research import (
    parse_condition_stocks,
    parse_conditions,
    parse_financials,
    parse_firm_opinions,
    parse_interest_groups,
    parse_interest_stocks,
    parse_investor_days,
)
from api.brokers.kis.rest import KisRest
from api.brokers.research import (
    ConditionStock,
    FinancialPeriod,
    FirmOpinion,
    InterestGroup,
    InterestStock,
    InvestorDay,
    SavedCondition,
    SecuritiesFirm,
)
from api.domain.financials import FinancialKind
from api.errors import HtsIdMissing

_MOST_PAGES = 100

_STATEMENTS: Mapping[FinancialKind, tuple[Tr, str]] = {
    FinancialKind.BALANCE_SHEET: (Tr.BALANCE_SHEET, "balance-sheet"),
    FinancialKind.INCOME_STATEMENT: (Tr.INCOME_STATEMENT, "income-statement"),
    FinancialKind.FINANCIAL_RATIO: (Tr.FINANCIAL_RATIO, "financial-ratio"),
    FinancialKind.PROFIT_RATIO: (Tr.PROFIT_RATIO, "profit-ratio"),
    FinancialKind.OTHER_RATIO: (Tr.OTHER_RATIO, "other-major-ratios"),
    FinancialKind.STABILITY_RATIO: (Tr.STABILITY_RATIO, "stability-ratio"),
    FinancialKind.GROWTH_RATIO: (Tr.GROWTH_RATIO, "growth-ratio"),
}


class KisResearch:
    """Implements `api.brokers.research.ResearchPort` with one account's key and HTS id.

    Args:
        credentials: Whose; KIS asks for conditions and groups by ``hts_id``.
        capabilities: Of the account's environment.
    """

    def __init__(self, rest: KisRest, files: MasterFiles, credentials: Credentials, capabilities: Capabilities) -> None:
        self._rest = rest
        self._files = files
        self._credentials = credentials
        self._capabilities = capabilities

    async def list_financials(self, symbol: str, kind: FinancialKind, *, is_quarterly: bool) -> list[FinancialPeriod]:
        """One kind of statement, about 30 periods; not in paper."""
        self._require(Inquiry.FINANCIALS, "financial statements")
        tr, path = _STATEMENTS[kind]
        params = {"FID_DIV_CLS_CODE": "1" if is_quarterly else "0", "fid_cond_mrkt_div_code": "J", "fid_input_iscd": symbol}
        return parse_financials(await self._ask(tr, path, params, base=FINANCE), kind)

    async def list_investor_days(self, symbol: str) -> list[InvestorDay]:
        """The last 30 days (``inquire-investor``), also in paper; KIS counts a day after its close."""
        self._require(Inquiry.INVESTORS, "net buying by investors")
        params = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol}
        return parse_investor_days(await self._ask(Tr.INVESTORS, "inquire-investor", params))

    async def list_firms(self) -> list[SecuritiesFirm]:
        """The members of the exchange, from a file without keys; not in paper, where they cannot be asked about."""
        self._require(Inquiry.FIRM_OPINIONS, "opinions by firm")
        return await self._files.firms()

    async def list_firm_opinions(self, firm_code: str, *, first: date, last: date) -> list[FirmOpinion]:
        """A firm's opinions (``invest-opbysec``); not in paper. An answer cut in the middle of a day is read on from that day."""
        self._require(Inquiry.FIRM_OPINIONS, "opinions by firm")
        params = {"FID_COND_MRKT_DIV_CODE": "J", "FID_COND_SCR_DIV_CODE": "16634", "FID_INPUT_ISCD": firm_code}
        params |= {"FID_DIV_CLS_CODE": "0", "FID_INPUT_DATE_1": f"{first:%Y%m%d}"}
        found: dict[FirmOpinion, None] = {}
        for _ in range(_MOST_PAGES):
            page = parse_firm_opinions(await self._ask(Tr.FIRM_OPINIONS, "invest-opbysec", params | {"FID_INPUT_DATE_2": f"{last:%Y%m%d}"}))
            fresh = [opinion for opinion in page if opinion not in found and opinion.published_on >= first]
            found |= dict.fromkeys(fresh)
            if not fresh:
                return sorted(found, key=lambda opinion: opinion.published_on, reverse=True)
            last = min(opinion.published_on for opinion in fresh)
        raise BrokerProtocolError(KIS, Tr.FIRM_OPINIONS.value, "output", f"the list does not end ({_MOST_PAGES} pages)")

    async def list_conditions(self) -> list[SavedCondition]:
        """Searches saved on the server in HTS [0110] (``psearch-title``); not in paper."""
        self._require(Inquiry.CONDITIONS, "saved conditions")
        return parse_conditions(await self._ask(Tr.CONDITIONS, "psearch-title", {"user_id": self._hts_id()}))

    async def list_condition_stocks(self, sequence: str) -> list[ConditionStock]:
        """What a search finds (``psearch-result``), at most 100; KIS refuses with a code of its own where that is nothing."""
        self._require(Inquiry.CONDITIONS, "saved conditions")
        try:
            answer = await self._ask(Tr.CONDITION_STOCKS, "psearch-result", {"user_id": self._hts_id(), "seq": sequence})
        except BrokerRejected as refusal:
            if refusal.code != NO_STOCK_FOUND:
                raise
            return []
        return parse_condition_stocks(answer)

    async def list_interest_groups(self) -> list[InterestGroup]:
        """The HTS user's groups (``intstock-grouplist``); not in paper."""
        self._require(Inquiry.INTEREST_GROUPS, "interest groups")
        params = {"TYPE": "1", "FID_ETC_CLS_CODE": "00", "USER_ID": self._hts_id()}
        return parse_interest_groups(await self._ask(Tr.INTEREST_GROUPS, "intstock-grouplist", params))

    async def list_interest_stocks(self, group_code: str) -> list[InterestStock]:
        """The stocks of a group (``intstock-stocklist-by-group``); not in paper."""
        self._require(Inquiry.INTEREST_GROUPS, "interest groups")
        params = {"TYPE": "1", "USER_ID": self._hts_id(), "INTER_GRP_CODE": group_code, "FID_ETC_CLS_CODE": "4"}
        params |= {"DATA_RANK": "", "INTER_GRP_NAME": "", "HTS_KOR_ISNM": "", "CNTG_CLS_CODE": ""}
        return parse_interest_stocks(await self._ask(Tr.INTEREST_STOCKS, "intstock-stocklist-by-group", params))

    def _require(self, inquiry: Inquiry, what: str) -> None:
        if inquiry not in self._capabilities.inquiries:
            raise BrokerUnsupported(KIS, f"{what} ({self._credentials.environment})")

    def _hts_id(self) -> str:
        if not self._credentials.hts_id:
            raise HtsIdMissing("KIS keeps conditions and groups by HTS id: give the account its hts_id.")
        return self._credentials.hts_id

    async def _ask(self, tr: Tr, path: str, params: Mapping[str, str], *, base: str = QUOTATIONS) -> Envelope:
        return (await self._rest.inquire(tr, f"{base}/{path}", params, call_class=CallClass.INQUIRY)).envelope
