"""주달: the worked example in both generations of markup, odd rows, and when the page is no longer the one we know."""

from datetime import date
from decimal import Decimal

import pytest

from api.local.fixture_sites.server import FixtureSites, State
from tests.unit.sites.samples import changed, sample
from worker.sites.errors import StructureChanged
from worker.sites.judal.rows import RelatedTheme, StockList, ThemeFigures, ThemeLink, ThemeStock, UnreadStock
from worker.sites.judal.stocks import parse_stock_list
from worker.sites.judal.themes import parse_side_bar, parse_theme_list

COPPER = RelatedTheme(theme_idx=901, name="원자재(구리)")


def read(*changes: tuple[str, str], promised: int | None = None) -> StockList:
    return parse_stock_list(changed(sample("judal"), *changes), promised=promised)


def grown(page: str, times: int = 12) -> str:
    """Many good rows more, each with a symbol of its own."""
    start = page.index("<tr><th scope")
    row = page[start : page.index("</tr>", start) + 5]
    return page[:start] + "".join(row.replace("0099Z0", f"1{number:03d}Z0") for number in range(times)) + page[start:]


def test_the_worked_example_is_read_to_the_last_field() -> None:
    page = parse_stock_list(sample("judal").encode(), promised=2)

    assert page.stocks == [
        ThemeStock(
            name="가온 C&C",
            market="KOSPI",
            symbol="990010",
            reason="구리 가공 업체",
            price=10_000,
            change=200,
            change_pct=Decimal("2.04"),
            change_3d_pct=Decimal("-1.00"),
            high_52w=12_500,
            low_52w=7_500,
            from_high_52w_pct=Decimal("-20.00"),
            from_low_52w_pct=Decimal("33.33"),
            neglect_52w=50,
            high_3y=20_000,
            low_3y=5_000,
            from_high_3y_pct=Decimal("-50.00"),
            from_low_3y_pct=Decimal("100.00"),
            neglect_3y=33,
            price_index_3y=50,
            expected_return_pct=Decimal("25.00"),
            pbr=Decimal("1.20"),
            per=None,
            eps=-239,
            market_cap_krw_100m=10_234,
            volume_index_day_pct=Decimal("0.88"),
            volume_index_7d_pct=Decimal("-54.7"),
            buffett_rank=None,
            related_themes=(COPPER, RelatedTheme(theme_idx=902, name="MSCI Korea")),
            trade_amount_krw_100m=None,
            trade_streak_days=None,
        ),
        ThemeStock(
            name="누리전선",
            market="KOSDAQ",
            symbol="0099Z0",
            reason=None,
            price=5_000,
            change=-50,
            change_pct=Decimal("-0.99"),
            change_3d_pct=Decimal("0.00"),
            high_52w=6_000,
            low_52w=4_000,
            from_high_52w_pct=Decimal("-16.67"),
            from_low_52w_pct=Decimal("25.00"),
            neglect_52w=50,
            high_3y=6_000,
            low_3y=4_000,
            from_high_3y_pct=Decimal("-16.67"),
            from_low_3y_pct=Decimal("25.00"),
            neglect_3y=50,
            price_index_3y=83,
            expected_return_pct=Decimal("20.00"),
            pbr=Decimal("0.80"),
            per=Decimal("12.30"),
            eps=406,
            market_cap_krw_100m=917,
            volume_index_day_pct=Decimal("1.00"),
            volume_index_7d_pct=Decimal("12.0"),
            buffett_rank=12,
            related_themes=(COPPER,),
            trade_amount_krw_100m=None,
            trade_streak_days=None,
        ),
    ]
    assert (page.head.name, page.unread, page.warnings) == ("원자재(구리)", [], [])


def test_both_side_bars_of_the_worked_example_name_the_theme_once() -> None:
    side_bar = parse_side_bar(sample("judal"), fewest=1)

    assert side_bar.themes == [ThemeLink(theme_idx=901, name="원자재(구리)", stock_count=2)]
    assert side_bar.warnings == []


@pytest.mark.parametrize("generation", ["old", "new"])
def test_each_side_bar_alone_is_enough(generation: str) -> None:
    old, new = sample("judal").split("<!-- new side bar -->")
    bar = old if generation == "old" else new[: new.index("<h1")]

    assert [theme.theme_idx for theme in parse_side_bar(bar, fewest=1).themes] == [901]


def test_links_that_are_no_themes_are_left_out() -> None:
    links = (
        '<a href="?view=themeTalk&themeIdx=5">말(3)</a><a href="?view=stockList&themeIdx=x">글자(3)</a>'
        '<a href="?view=stockList&themeIdx=6">관련 테마</a><a href="?view=stockList&type=PERAsc">PER(3)</a>'
        '<a href="http://[bad?themeIdx=7&view=stockList">주소(3)</a>'
        "<table><tr><th>종목명</th></tr><tr><td><a href='?view=stockList&themeIdx=8'>총선(2024)</a></td></tr></table>"
        '<a href="/?themeIdx=9&view=stockList">비만치료제 (GLP-1) <span>( 12 )</span></a>'
    )

    side_bar = parse_side_bar(links.replace("( 12 )", "(12)"), fewest=1)

    assert side_bar.themes == [ThemeLink(theme_idx=9, name="비만치료제 (GLP-1)", stock_count=12)]


def test_a_theme_with_two_names_is_a_warning() -> None:
    links = '<a href="?view=stockList&themeIdx=1">금(3)</a><a href="?view=stockList&themeIdx=1">은(3)</a>'

    side_bar = parse_side_bar(links, fewest=1)

    assert ([theme.name for theme in side_bar.themes], len(side_bar.warnings)) == (["금"], 1)


def test_fewer_than_fifty_themes_are_another_structure() -> None:
    def bar(count: int) -> str:
        return "".join(f'<a href="?view=stockList&themeIdx={number}">테마{number}({number})</a>' for number in range(count))

    assert len(parse_side_bar(bar(50)).themes) == 50
    with pytest.raises(StructureChanged, match="49"):
        parse_side_bar(bar(49), url="https://judal/")


@pytest.mark.parametrize(
    "header",
    [
        "현재가격",
        "전일비",
        "52주<br>최고최저",
        "3년<br>주가지수",
        "PBR",
        "시가총액",
        "최근7일<br>거래량지수",
        "버핏초이스",
        "관련테마",
        "종목명",
    ],
)
def test_a_missing_header_is_another_structure(header: str) -> None:
    with pytest.raises(StructureChanged) as caught:
        read((f"<th>{header}</th>", "<th>다른말</th>"))

    assert header.replace("<br>", "") in caught.value.expected


def test_no_stock_where_some_were_promised_is_another_structure() -> None:
    page = sample("judal")
    empty = page[: page.index("<tbody>")] + page[page.index("</tbody>") :]

    assert parse_stock_list(empty).stocks == []
    with pytest.raises(StructureChanged, match="2 stocks"):
        parse_stock_list(empty, promised=2)
    with pytest.raises(StructureChanged, match="32 stocks"):
        parse_stock_list("<title>구리 테마주 관련주 32종목 정리 - 주달</title>" + empty)


def test_a_count_that_is_not_kept_is_a_warning() -> None:
    assert [warning.text for warning in read(promised=3).warnings] == ["3 stocks promised, 2 read"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("/stock/0099Z0/price", "/stock/"), ("<td>5,000<br>-50</td>", "<td></td>"), ("<td>-0.99%</td>", "")],
    ids=["no link, and no symbol in the text", "no price", "a cell too few"],
)
def test_more_than_a_tenth_of_bad_rows_is_another_structure(before: str, after: str) -> None:
    page = changed(sample("judal"), (before, after), ("KOSDAQ 0099Z0", "KOSDAQ"))
    good = grown(sample("judal"))
    start = page.index("<tr><th scope")
    odd = page[start : page.index("</tr>", start) + 5]

    with pytest.raises(StructureChanged, match="1 of 2 without"):
        parse_stock_list(page)
    assert len(parse_stock_list(good.replace("</tbody>", odd + "</tbody>")).stocks) == 14, "one of many is a single odd row"


def test_a_row_with_a_cell_too_few_is_named_and_not_read() -> None:
    page = parse_stock_list(grown(changed(sample("judal"), ("<td>2.04%</td>", ""))))

    assert page.unread == [UnreadStock(symbol="990010", text="가온 C&C KOSPI 990010 i")]
    assert "990010" not in {stock.symbol for stock in page.stocks}


@pytest.mark.parametrize(
    "cell",
    [
        '<a href="https://stock.naver.com/domestic/stock/0099Z0/price"><span>누리전선</span></a><span>KOSDAQ 0099Z0</span>',
        '<b>누리전선</b><a href="https://stock.naver.com/domestic/stock/0099Z0/price"><span>KOSDAQ 0099Z0</span></a>',
        "<div><strong>누리전선</strong></div><small>KOSDAQ 0099Z0</small>",
    ],
)
def test_name_and_symbol_are_found_wherever_in_the_cell_they_move(cell: str) -> None:
    page = sample("judal")
    start = page.index('<a href="https://stock.naver.com')
    page = page[:start] + cell + page[page.index("</th>", start) :]

    stock = parse_stock_list(page).stocks[1]

    assert (stock.name, stock.market, stock.symbol) == ("누리전선", "KOSDAQ", "0099Z0")


def test_a_name_that_ends_in_capitals_is_no_market() -> None:
    stock = read(("가온 C&amp;C", "KODEX SMCORE")).stocks[0]

    assert (stock.name, stock.market, stock.symbol) == ("KODEX SMCORE", "KOSPI", "990010")


@pytest.mark.parametrize("name", ["title", "data-bs-title", "data-bs-original-title"])
def test_the_reason_is_plain_text_from_whichever_attribute_holds_it(name: str) -> None:
    stock = read((' title="구리 ', f' {name}="구리 ')).stocks[0]

    assert stock.reason == "구리 가공 업체"


def test_a_reason_with_a_script_is_text() -> None:
    stock = read(("&amp;lt;b&amp;gt;가공&amp;lt;/b&amp;gt;", "&amp;lt;img src=x onerror=alert(1)&amp;gt; PER &amp;lt; 10")).stocks[0]

    assert stock.reason == "구리 PER < 10 업체"


def test_a_price_with_arrows_and_in_elements_is_read() -> None:
    stock = read(("<td>5,000<br>-50</td>", "<td><div>5,000</div><div><i>▼</i> 50</div></td>")).stocks[1]

    assert (stock.price, stock.change) == (5_000, -50)


def test_one_value_where_two_belong_is_neither() -> None:
    page = read(("<td>6,000<br>4,000</td><td>-16.67%<br>25.00%</td><td>50</td><td>6,000", "<td>6,000</td><td>-</td><td></td><td>6,000"))

    stock = page.stocks[1]
    assert (stock.high_52w, stock.low_52w, stock.from_high_52w_pct, stock.neglect_52w) == (None, None, None, None)
    assert [(warning.where, warning.field) for warning in page.warnings] == [("0099Z0", "high_52w")]


def test_lists_of_who_buys_have_one_more_column_in_front() -> None:
    page = changed(
        sample("judal"),
        ("<th>종목명</th>", "<th>매매금액</th><th>종목명</th>"),
        ('<th scope="row" class="table-success text-left">', '<td>388억원<br>5일연속</td><th scope="row">'),
        ('<th scope="row" class="table-success text-start">', '<td>-1조 2억원</td><th scope="row">'),
        ("<h1", "<p>기준일: 2026-11-20</p><h1"),
    )

    read_page = parse_stock_list(page)

    assert [(stock.symbol, stock.trade_amount_krw_100m, stock.trade_streak_days) for stock in read_page.stocks] == [
        ("990010", 388, 5),
        ("0099Z0", -10_002, None),
    ]
    assert read_page.head.base_date == date(2026, 11, 20)


def test_the_head_of_a_theme_is_read() -> None:
    head = (
        "테마주</h1><p>전일비: 1.51%</p><p>3일합산: -2.00 %</p><p>52주 상승률: 90.5%</p><p>52주 하락률: -20%</p>"
        "<p>기대 수익률: 31.2%</p>"
        "<p>52주 소외지수: 99</p><p>소외지수: 44</p><p>업데이트: 3분 전</p><p>3년 테마지수: 58</p>"
    )

    page = read(("테마주</h1>", head))

    assert (page.head.change_pct, page.head.change_3d_pct) == (Decimal("1.51"), Decimal("-2.00"))
    assert (page.head.rise_52w_pct, page.head.fall_52w_pct, page.head.expected_return_pct) == (
        Decimal("90.5"),
        Decimal(-20),
        Decimal("31.2"),
    )
    assert (page.head.neglect_index, page.head.theme_index_3y, page.head.base_date) == (44, 58, None)


def test_the_table_of_themes_is_read_to_the_last_field() -> None:
    page = theme_table(
        '<tr><th class="table-success"><a href="https://www.judal.co.kr/?view=stockList&themeIdx=39"><b>2차전지</b></a>'
        '<button title="배터리 &amp;lt;b&amp;gt;업체&amp;lt;/b&amp;gt;">Information</button></th><td>1.51%</td><td>-2.00%</td>'
        "<td>90.5%</td><td>-20.1%</td><td>44</td><td>120%</td><td>-60%</td><td>21</td><td>31.2%</td><td>17</td><td></td><td>3분 전</td>"
        '<td><a href="?view=talk&themeIdx=39" title="2차전지 테마토크">0</a></td></tr>'
    )

    assert parse_theme_list(page).themes == [
        ThemeFigures(
            theme_idx=39,
            name="2차전지",
            description="배터리 업체",
            change_pct=Decimal("1.51"),
            change_3d_pct=Decimal("-2.00"),
            rise_52w_pct=Decimal("90.5"),
            fall_52w_pct=Decimal("-20.1"),
            neglect_52w=44,
            rise_3y_pct=Decimal(120),
            fall_3y_pct=Decimal(-60),
            neglect_3y=21,
            expected_return_pct=Decimal("31.2"),
            user_score=Decimal(17),
        )
    ]


def test_a_table_of_themes_without_rows_or_a_column_is_another_structure() -> None:
    with pytest.raises(StructureChanged):
        parse_theme_list(theme_table(""))
    with pytest.raises(StructureChanged, match="유저점수"):
        parse_theme_list(theme_table("").replace("유저점수", "점수"))
    with pytest.raises(StructureChanged):
        parse_theme_list("<html></html>")


def test_both_generations_of_markup_give_the_same_data() -> None:
    day = date(2026, 11, 23)
    before, after = (FixtureSites(State(day=day, markup=name)) for name in ("old", "new"))
    theme = before.themes()[7]

    pages = [sites.page_judal("stockList", "", theme.index, 1) for sites in (before, after)]

    assert pages[0] != pages[1]
    assert parse_stock_list(pages[0]).stocks == parse_stock_list(pages[1]).stocks
    assert {t.theme_idx: t for t in parse_side_bar(pages[0]).themes} == {t.theme_idx: t for t in parse_side_bar(pages[1]).themes}


def theme_table(rows: str) -> str:
    headers = (
        "테마명,전일비,3일합산,52주<br>상승률,52주 하락률,52주 소외지수,3년 상승률,3년 하락률,3년 소외지수,기대수익률,유저점수,"
        "테마차트(90일),업데이트,테마토크"
    )
    return "<table><tr>" + "".join(f"<th>{text}</th>" for text in headers.split(",")) + f"</tr>{rows}</table>"
