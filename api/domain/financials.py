"""A company's figures: seven kinds of statements, what stands in each, and in which unit. Pure data."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class FinancialKind(StrEnum):
    """Statements and groups of ratios."""

    BALANCE_SHEET = "balance_sheet"
    INCOME_STATEMENT = "income_statement"
    FINANCIAL_RATIO = "financial_ratio"
    PROFIT_RATIO = "profit_ratio"
    OTHER_RATIO = "other_ratio"
    STABILITY_RATIO = "stability_ratio"
    GROWTH_RATIO = "growth_ratio"


class FigureUnit(StrEnum):
    """What a figure counts: hundreds of millions of won (억원), won (a share), percent, or times."""

    HUNDRED_MILLION_WON = "hundred_million_won"
    WON = "won"
    PERCENT = "percent"
    TIMES = "times"


class Figure(Struct, frozen=True):
    """One line of a statement."""

    name: str
    label_ko: str
    label_en: str
    unit: FigureUnit


_AMOUNT, _WON, _PERCENT, _TIMES = FigureUnit.HUNDRED_MILLION_WON, FigureUnit.WON, FigureUnit.PERCENT, FigureUnit.TIMES

FIGURES: Mapping[FinancialKind, tuple[Figure, ...]] = {
    FinancialKind.BALANCE_SHEET: (
        Figure("current_assets", "유동자산", "Current assets", _AMOUNT),
        Figure("non_current_assets", "고정자산", "Non-current assets", _AMOUNT),
        Figure("total_assets", "자산총계", "Total assets", _AMOUNT),
        Figure("current_liabilities", "유동부채", "Current liabilities", _AMOUNT),
        Figure("non_current_liabilities", "고정부채", "Non-current liabilities", _AMOUNT),
        Figure("total_liabilities", "부채총계", "Total liabilities", _AMOUNT),
        Figure("capital_stock", "자본금", "Capital stock", _AMOUNT),
        Figure("capital_surplus", "자본잉여금", "Capital surplus", _AMOUNT),
        Figure("retained_earnings", "이익잉여금", "Retained earnings", _AMOUNT),
        Figure("total_equity", "자본총계", "Total equity", _AMOUNT),
    ),
    FinancialKind.INCOME_STATEMENT: (
        Figure("revenue", "매출액", "Revenue", _AMOUNT),
        Figure("cost_of_sales", "매출원가", "Cost of sales", _AMOUNT),
        Figure("gross_profit", "매출총이익", "Gross profit", _AMOUNT),
        Figure("depreciation", "감가상각비", "Depreciation", _AMOUNT),
        Figure("selling_and_administration", "판매비와관리비", "Selling and administration", _AMOUNT),
        Figure("operating_profit", "영업이익", "Operating profit", _AMOUNT),
        Figure("non_operating_income", "영업외수익", "Non-operating income", _AMOUNT),
        Figure("non_operating_expense", "영업외비용", "Non-operating expense", _AMOUNT),
        Figure("ordinary_profit", "경상이익", "Ordinary profit", _AMOUNT),
        Figure("extraordinary_gain", "특별이익", "Extraordinary gain", _AMOUNT),
        Figure("extraordinary_loss", "특별손실", "Extraordinary loss", _AMOUNT),
        Figure("net_profit", "당기순이익", "Net profit", _AMOUNT),
    ),
    FinancialKind.FINANCIAL_RATIO: (
        Figure("revenue_growth", "매출액증가율", "Revenue growth", _PERCENT),
        Figure("operating_profit_growth", "영업이익증가율", "Operating profit growth", _PERCENT),
        Figure("net_profit_growth", "순이익증가율", "Net profit growth", _PERCENT),
        Figure("roe", "ROE", "ROE", _PERCENT),
        Figure("eps", "EPS", "EPS", _WON),
        Figure("sps", "주당매출액", "Sales per share", _WON),
        Figure("bps", "BPS", "BPS", _WON),
        Figure("reserve_ratio", "유보비율", "Reserve ratio", _PERCENT),
        Figure("debt_ratio", "부채비율", "Debt ratio", _PERCENT),
    ),
    FinancialKind.PROFIT_RATIO: (
        Figure("return_on_capital", "총자본순이익률", "Return on total capital", _PERCENT),
        Figure("return_on_equity", "자기자본순이익률", "Return on equity", _PERCENT),
        Figure("net_margin", "매출액순이익률", "Net margin", _PERCENT),
        Figure("gross_margin", "매출액총이익률", "Gross margin", _PERCENT),
    ),
    FinancialKind.OTHER_RATIO: (
        Figure("eva", "EVA", "EVA", _AMOUNT),
        Figure("ebitda", "EBITDA", "EBITDA", _AMOUNT),
        Figure("ev_to_ebitda", "EV/EBITDA", "EV/EBITDA", _TIMES),
    ),
    FinancialKind.STABILITY_RATIO: (
        Figure("debt_ratio", "부채비율", "Debt ratio", _PERCENT),
        Figure("borrowing_dependence", "차입금의존도", "Dependence on borrowings", _PERCENT),
        Figure("current_ratio", "유동비율", "Current ratio", _PERCENT),
        Figure("quick_ratio", "당좌비율", "Quick ratio", _PERCENT),
    ),
    FinancialKind.GROWTH_RATIO: (
        Figure("revenue_growth", "매출액증가율", "Revenue growth", _PERCENT),
        Figure("operating_profit_growth", "영업이익증가율", "Operating profit growth", _PERCENT),
        Figure("equity_growth", "자기자본증가율", "Equity growth", _PERCENT),
        Figure("total_assets_growth", "총자산증가율", "Total assets growth", _PERCENT),
    ),
}
