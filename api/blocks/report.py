"""The allocation report (자산배분명세): what each fund got of each block, as JSON, CSV or XLSX. Pure."""

import io
from collections.abc import Mapping, Sequence
from datetime import date

import xlsxwriter
from msgspec import Struct

from api.blocks.block import Block
from api.domain.allocation.fills import average_price
from api.domain.enums import Side
from api.kit.csv_file import to_csv


class AllocationRow(Struct, kw_only=True, frozen=True):
    """One line of one block. ``average_price``: of the whole block, won with 4 decimals; ``filled_amount``: won of this line, exactly."""

    trading_day: date
    block_order_id: str
    plan_name: str
    method: str
    symbol: str
    symbol_name: str
    side: Side
    fund_id: str
    fund_name: str
    account_id: str
    account_name: str
    planned_quantity: int
    filled_quantity: int
    average_price: str | None
    filled_amount: int
    status: str
    digest: str


HEADERS: Mapping[str, str] = {
    "trading_day": "거래일",
    "block_order_id": "블록주문",
    "plan_name": "배분계획",
    "method": "배분방법",
    "symbol": "종목코드",
    "symbol_name": "종목명",
    "side": "구분",
    "fund_name": "펀드",
    "account_name": "계좌",
    "planned_quantity": "배분수량",
    "filled_quantity": "체결수량",
    "average_price": "평균단가",
    "filled_amount": "체결금액",
    "status": "상태",
    "digest": "배분해시",
}
_SIDES = {Side.BUY: "매수", Side.SELL: "매도"}
_NUMBERS = {"planned_quantity", "filled_quantity", "filled_amount"}


class AllocationReport(Struct, kw_only=True, frozen=True):
    """Rows by block and line, and their sums."""

    rows: list[AllocationRow]
    filled_quantity: int
    bought_amount: int
    sold_amount: int


def report_of(
    blocks: Sequence[Block], fund_names: Mapping[str, str], account_names: Mapping[str, str], symbol_names: Mapping[str, str]
) -> AllocationReport:
    """The report of these blocks; names that are not known stand as ids."""
    rows = [
        AllocationRow(
            trading_day=date.fromisoformat(block.trading_day),
            block_order_id=block.id,
            plan_name=str(block.plan["name"]),
            method=str(block.plan["method"]),
            symbol=block.symbol,
            symbol_name=symbol_names.get(block.symbol, block.symbol),
            side=block.side,
            fund_id=line.fund_id,
            fund_name=fund_names.get(line.fund_id, line.fund_id),
            account_id=line.account_id,
            account_name=account_names.get(line.account_id, line.account_id),
            planned_quantity=line.planned_quantity,
            filled_quantity=line.filled_quantity,
            average_price=average_price(block.filled_amount, block.filled_quantity),
            filled_amount=line.filled_amount,
            status=block.status.value,
            digest=block.digest,
        )
        for block in blocks
        for line in block.lines
    ]
    return AllocationReport(
        rows=rows,
        filled_quantity=sum(row.filled_quantity for row in rows),
        bought_amount=sum(row.filled_amount for row in rows if row.side is Side.BUY),
        sold_amount=sum(row.filled_amount for row in rows if row.side is Side.SELL),
    )


def as_csv(report: AllocationReport) -> bytes:
    """For Excel."""
    return to_csv(HEADERS.values(), [_cells(row) for row in report.rows])


def as_xlsx(report: AllocationReport) -> bytes:
    """One sheet, numbers as numbers, codes as text."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("자산배분명세")
    bold, number = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0"})
    sheet.write_row(0, 0, list(HEADERS.values()), bold)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(HEADERS) - 1, 14)
    for index, row in enumerate(report.rows, 1):
        for column, (name, cell) in enumerate(zip(HEADERS, _cells(row), strict=True)):
            if name in _NUMBERS:
                sheet.write_number(index, column, int(cell), number)
            else:
                sheet.write_string(index, column, str(cell))
    book.close()
    return out.getvalue()


def _cells(row: AllocationRow) -> list[str | int]:
    found: list[str | int] = []
    for name in HEADERS:
        value = getattr(row, name)
        found.append(value if name in _NUMBERS else _SIDES[row.side] if name == "side" else "" if value is None else str(value))
    return found
