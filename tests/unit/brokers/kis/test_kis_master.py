"""Master files: cp949 lines with a head of varying and a tail of fixed width."""

import io
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.master import FILES, KOSDAQ, KOSPI, NXT_FILES, Layout, parse_master, unzip

LAYOUTS = [KOSPI, KOSDAQ]
LAYOUT_IDS = ["kospi", "kosdaq"]

# written field by field after kis.md §8: the widths of the official readers, 227 and 221 characters in all
KOSPI_WIDTHS = [2, 1, 4, 4, 4, *[1] * 26, 9, 5, 5, 1, 1, 1, 2, 1, 1, 1, 2, 2, 2, 3, 1, 3, 12, 12, 8, 15, 21, 2, 7]
KOSPI_WIDTHS += [1, 1, 1, 1, 1, 9, 9, 9, 5, 9, 8, 9, 3, 1, 1, 1]
KOSDAQ_WIDTHS = [2, 1, 4, 4, 4, *[1] * 21, 9, 5, 5, 1, 1, 1, 2, 1, 1, 1, 2, 2, 2, 3, 1, 3, 12, 12, 8, 15, 21, 2, 7]
KOSDAQ_WIDTHS += [1, 1, 1, 1, 9, 9, 9, 5, 9, 8, 9, 3, 1, 1, 1]


def tail(
    layout: Layout,
    *,
    group: str = "ST",
    etp: str = "0",
    price: str = "000071000",
    lot: str = "00001",
    flags: tuple[str, str, str] = ("N",) * 3,
) -> str:
    """A tail made of its fields, in the order of the official readers."""
    is_kospi = layout is KOSPI
    widths = KOSPI_WIDTHS if is_kospi else KOSDAQ_WIDTHS
    fields = ["0" * width for width in widths]
    singles = 5
    fields[0] = group
    fields[singles + (7 if is_kospi else 3)] = etp
    base = singles + (26 if is_kospi else 21)
    fields[base], fields[base + 1] = price, lot
    fields[base + 3 : base + 6] = flags
    return "".join(fields)


def line(layout: Layout, *, code: str = "005930", isin: str = "KR7005930003", name: str = "삼성전자", rest: str | None = None) -> str:
    return f"{code:<9}{isin:<12}{name:<40}{tail(layout) if rest is None else rest}"


def content(*lines: str) -> bytes:
    return "".join(f"{text}\n" for text in lines).encode("cp949")


def zipped(name: str, inside: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, inside)
    return buffer.getvalue()


def test_the_widths_are_those_of_the_official_readers() -> None:
    assert (sum(KOSPI_WIDTHS), sum(KOSDAQ_WIDTHS)) == (227, 221) == (KOSPI.tail, KOSDAQ.tail)
    assert (list(FILES), list(NXT_FILES)) == (["kospi_code.mst", "kosdaq_code.mst"], ["nxt_kospi_code.mst", "nxt_kosdaq_code.mst"])


@pytest.mark.parametrize("layout", LAYOUTS, ids=LAYOUT_IDS)
def test_a_line_is_read_whole(layout: Layout) -> None:
    rest = tail(layout, price="000012345", lot="00010", flags=("Y", "N", "Y"))

    (record,) = parse_master("x.mst", layout, content(line(layout, rest=rest))).records

    assert (record.symbol, record.isin, record.name, record.english_name) == ("005930", "KR7005930003", "삼성전자", "")
    assert (record.market, record.kind, record.reference_price, record.lot_size) == (layout.market, "stock", 12_345, 10)
    assert (record.is_halted, record.is_liquidation, record.is_administrative) == (True, False, True)
    assert (record.upper_limit_price, record.lower_limit_price, record.is_nxt_tradable) == (None, None, None)


@pytest.mark.parametrize("layout", LAYOUTS, ids=LAYOUT_IDS)
@pytest.mark.parametrize(
    ("group", "etp", "kind"),
    [
        ("ST", "0", "stock"),
        ("RT", "0", "stock"),
        ("DR", "0", "stock"),
        ("EF", "1", "etf"),
        ("EF", "2", "etf"),
        ("EN", "3", "etn"),
        ("EN", "4", "etn"),
    ],
)
def test_the_group_tells_the_kind(group: str, etp: str, kind: str, layout: Layout) -> None:
    code = "Q500001" if kind == "etn" else "0001A0"

    (record,) = parse_master("x.mst", layout, content(line(layout, code=code, rest=tail(layout, group=group, etp=etp)))).records

    assert (record.kind, record.symbol) == (kind, code[-6:])


@pytest.mark.parametrize("group", ["EW", "SW", "SR", "BC"])
def test_what_is_no_instrument_of_lucys_is_left_out(group: str) -> None:
    lines = content(line(KOSPI, code="58J123", rest=tail(KOSPI, group=group)), line(KOSPI))

    master = parse_master("x.mst", KOSPI, lines)

    assert [record.symbol for record in master.records] == ["005930"]
    assert master.unknown_groups == {}


def test_a_group_that_nobody_explains_is_left_out_and_told() -> None:
    master = parse_master("x.mst", KOSPI, content(line(KOSPI, rest=tail(KOSPI, group="ZZ")), line(KOSPI)))

    assert (len(master.records), master.unknown_groups) == (1, {"ZZ": 1})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_both_kinds_and_empty_lines_do_not_matter(end: str) -> None:
    inside = f"{line(KOSPI)}{end}{end}{line(KOSPI, code='000660', isin='KR7000660001')}{end}".encode("cp949")

    assert [record.symbol for record in parse_master("x.mst", KOSPI, inside).records] == ["005930", "000660"]


@pytest.mark.parametrize("layout", LAYOUTS, ids=LAYOUT_IDS)
@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"rest": "short"}, "line"),
        ({"rest_change": (1, None)}, None),
        ({"code": "12345"}, "short code"),
        ({"code": "00593!"}, "short code"),
        ({"isin": "KR700593000"}, "standard code"),
        ({"isin": "KR70059 0003"}, "standard code"),
        ({"name": ""}, "name"),
        ({"group": "1T"}, "scrt_grp_cls_code"),
        ({"price": "-00071000"}, "reference_price"),
        ({"price": "７１０００００００"}, "reference_price"),
        ({"lot": "1.000"}, "lot"),
        ({"flags": ("y", "N", "N")}, "halted"),
        ({"flags": ("N", "0", "N")}, "liquidation"),
        ({"flags": ("N", "N", " ")}, "administrative"),
    ],
)
def test_a_line_that_does_not_fit_names_file_line_and_field(broken: dict[str, object], field: str | None, layout: Layout) -> None:
    parts = {name: value for name, value in broken.items() if name in {"code", "isin", "name"}}
    if "rest" in broken:
        text = str(broken["rest"])
    elif "rest_change" in broken:
        text = line(layout)[1:]  # a character lost: every field of the head moves
    else:
        made = {name: value for name, value in broken.items() if name not in parts}
        text = line(layout, **parts, rest=tail(layout, **made))  # type: ignore[arg-type]  # a table of many shapes

    with pytest.raises(BrokerProtocolError) as caught:
        parse_master("some.mst", layout, content(line(layout), text))

    assert caught.value.tr == "some.mst"
    assert "line 2" in str(caught.value)
    assert field is None or caught.value.field == field


def test_bytes_that_are_no_cp949_are_told() -> None:
    utf8 = f"{line(KOSPI)}\n".encode()

    with pytest.raises(BrokerProtocolError) as caught:
        parse_master("some.mst", KOSPI, b"\xff\xff" + utf8)

    assert (caught.value.tr, caught.value.field) == ("some.mst", "line")


@pytest.mark.parametrize("inside", [b"", b"\n\n", b"   \n"])
def test_a_file_without_a_line_is_no_empty_market(inside: bytes) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_master("some.mst", KOSPI, inside)


def test_a_line_of_the_other_market_is_not_read_as_one_of_this() -> None:
    for layout, other in ((KOSPI, KOSDAQ), (KOSDAQ, KOSPI)):
        with pytest.raises(BrokerProtocolError):
            parse_master("some.mst", layout, content(line(other)))


names = st.text(st.characters(codec="cp949", categories=["Lo", "Lu", "Ll", "Nd"]), min_size=1, max_size=20).filter(
    lambda text: text.isprintable() and text.strip() == text
)
flags = st.tuples(*[st.sampled_from("YN")] * 3)
symbols = st.from_regex(re.compile(r"[0-9]{4}[0-9A-Z]{2}"), fullmatch=True)


@given(
    layout=st.sampled_from(LAYOUTS),
    rows=st.lists(
        st.tuples(
            symbols, names, st.integers(0, 999_999_999), st.integers(1, 99_999), st.tuples(*[st.sampled_from("YN")] * 3), st.integers(0, 40)
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_any_file_of_well_formed_lines_comes_through(
    layout: Layout, rows: list[tuple[str, str, int, int, tuple[str, str, str], int]]
) -> None:
    lines = [
        f"{symbol:<9}KR7{symbol}003{name}{' ' * padding}{tail(layout, price=f'{price:09d}', lot=f'{lot:05d}', flags=flags)}"
        for symbol, name, price, lot, flags, padding in rows
    ]

    records = parse_master("x.mst", layout, content(*lines)).records

    assert [(record.symbol, record.name, record.reference_price, record.lot_size) for record in records] == [
        (symbol, name, price, lot) for symbol, name, price, lot, *_ in rows
    ]
    assert [(record.is_halted, record.is_liquidation, record.is_administrative) for record in records] == [
        tuple(flag == "Y" for flag in flags) for *_, flags, _ in rows
    ]


@given(st.binary(max_size=600), st.sampled_from(LAYOUTS))
def test_no_bytes_break_the_reader_in_another_way(garbage: bytes, layout: Layout) -> None:
    try:
        parse_master("x.mst", layout, content(line(layout)) + garbage)
    except BrokerProtocolError as error:
        assert error.tr == "x.mst"


def test_a_zip_holds_the_file_that_it_is_named_after() -> None:
    assert unzip("kospi_code.mst", zipped("kospi_code.mst", b"inside")) == b"inside"


@pytest.mark.parametrize(
    "packed",
    [b"", b"<html>", zipped("other.mst", b"inside"), zipped("kospi_code.mst", b"inside" * 100)[:60]],
    ids=["empty", "page", "name", "cut"],
)
def test_what_is_no_such_zip_is_a_protocol_error(packed: bytes) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        unzip("kospi_code.mst", packed)

    assert (caught.value.tr, caught.value.field) == ("kospi_code.mst", "zip")


@given(st.binary(max_size=300), st.integers(0, 200))
def test_no_damage_to_a_zip_breaks_in_another_way(noise: bytes, at: int) -> None:
    whole = zipped("kospi_code.mst", content(line(KOSPI)))
    damaged = whole[:at] + noise + whole[at + len(noise) :]

    try:
        unzip("kospi_code.mst", damaged)
    except BrokerProtocolError as error:
        assert error.field == "zip"
