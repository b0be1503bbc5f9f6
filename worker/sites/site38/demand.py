"""The demand forecast in numbers: three tables of the detail page, each found by the title image before it."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from worker.sites.errors import StructureChanged
from worker.sites.html import Node, Row, Table, attribute, read_table, text_of
from worker.sites.reading import Reading
from worker.sites.site38.rows import PriceBids
from worker.sites.text import is_nothing, parse_count, parse_percent, parse_rate, squeeze

_LOCKUP, _PARTICIPANTS, _PRICES = "의무보유확약비율", "수요예측참여내역", "수요예측신청가격분포"
_KIND, _ASKED = "구분", "신청수량(단위:주)"
_COUNT, _SHARES, _RATE, _PERCENT = "참여건수(단위:건)", "신청주식수(단위:주)", "단순경쟁", "비율(%)"
_LOCKUP_ROWS = {
    "6개월확약": "lockup_6m_shares",
    "3개월확약": "lockup_3m_shares",
    "1개월확약": "lockup_1m_shares",
    "15일확약": "lockup_15d_shares",
    "합계": "lockup_total_shares",
}
_LOCKUP_PERCENT = "총수량대비비율(%)"


class Demand(Struct, kw_only=True):
    """What the three tables say; None and empty before the forecast."""

    lockup_6m_shares: int | None = None
    lockup_3m_shares: int | None = None
    lockup_1m_shares: int | None = None
    lockup_15d_shares: int | None = None
    lockup_total_shares: int | None = None
    lockup_pct: Decimal | None = None
    forecast_participants: int | None = None
    forecast_requested_shares: int | None = None
    institution_rate: Decimal | None = None
    price_distribution: tuple[PriceBids, ...] = ()


def read_demand(root: Node, reading: Reading) -> Demand:
    """Read the three tables; one that is missing leaves its fields None."""
    demand = Demand()
    titled = _tables_after_images(root)
    if (table := _open(titled, _LOCKUP, (_KIND, _ASKED), reading)) is not None:
        _lockup(table, demand, reading)
    if (table := _open(titled, _PARTICIPANTS, (_COUNT, _SHARES, _RATE), reading)) is not None:
        _participants(table, demand, reading)
    if (table := _open(titled, _PRICES, (_KIND, _COUNT, _SHARES, _PERCENT), reading)) is not None:
        demand.price_distribution = tuple(_bids(table, row, reading) for row in _whole(table, _PRICES, reading))
    return demand


def _tables_after_images(root: Node) -> dict[str, Node]:
    """Title → the first table that begins after its image, in the order of the page, and holds no other title."""
    found: dict[str, Node] = {}
    title = ""
    for node in root.css("img[alt], table"):
        if node.tag == "img":
            alt = squeeze(attribute(node, "alt"))
            title = alt if alt in (_LOCKUP, _PARTICIPANTS, _PRICES) and alt not in found else title
        elif title:
            if node.css_first("img[alt]") is None:
                found[title] = node
            title = ""
    return found


def _open(titled: dict[str, Node], title: str, headers: Sequence[str], reading: Reading) -> Table | None:
    node = titled.get(title)
    if node is None:
        return None
    try:
        return read_table(node, headers, "")
    except StructureChanged as error:
        reading.warn(title, "", error.detail)
        return None


def _lockup(table: Table, demand: Demand, reading: Reading) -> None:
    for row in _whole(table, _LOCKUP, reading):
        label, text = squeeze(_text(table, row, _KIND)), _text(table, row, _ASKED)
        if field := _LOCKUP_ROWS.get(label):
            setattr(demand, field, reading.value(parse_count, text, _LOCKUP, field))
        elif label == _LOCKUP_PERCENT:
            demand.lockup_pct = reading.value(parse_percent, text, _LOCKUP, "lockup_pct")
        elif not is_nothing(text):
            reading.warn(_LOCKUP, "", f"{label}: {text}")


def _participants(table: Table, demand: Demand, reading: Reading) -> None:
    rows = _whole(table, _PARTICIPANTS, reading)
    if not rows:
        return
    demand.forecast_participants = reading.value(parse_count, _text(table, rows[0], _COUNT), _PARTICIPANTS, "forecast_participants")
    demand.forecast_requested_shares = reading.value(
        parse_count, _text(table, rows[0], _SHARES), _PARTICIPANTS, "forecast_requested_shares"
    )
    demand.institution_rate = reading.value(parse_rate, _text(table, rows[0], _RATE), _PARTICIPANTS, "institution_rate")


def _bids(table: Table, row: Row, reading: Reading) -> PriceBids:
    label = _text(table, row, _KIND)
    where = f"{_PRICES}: {label}"
    return PriceBids(
        label=label,
        count=reading.value(parse_count, _text(table, row, _COUNT), where, "count"),
        shares=reading.value(parse_count, _text(table, row, _SHARES), where, "shares"),
        pct=reading.value(parse_percent, _text(table, row, _PERCENT), where, "pct"),
    )


def _whole(table: Table, title: str, reading: Reading) -> list[Row]:
    """The rows with all their cells; one with too few or too many is a warning."""
    whole = []
    for row in table.rows:
        if len(row.cells) != table.width:
            reading.warn(title, "", f"{len(row.cells)} of {table.width} cells: {text_of(row.cells[0])}")
        else:
            whole.append(row)
    return whole


def _text(table: Table, row: Row, header: str) -> str:
    return text_of(row.cells[table.columns[header]])
