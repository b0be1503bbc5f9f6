"""The subscription schedule of 38: the worked example, odd rows, and when the page is no longer the one we know."""

from datetime import date
from decimal import Decimal

import pytest

from tests.unit.sites.samples import changed, sample, sample38
from worker.sites.errors import StructureChanged
from worker.sites.site38.rows import ScheduledOffering
from worker.sites.site38.schedule import parse_schedule

GARAM, NARAE, DAON, MARU = 9105, 9104, 9103, 9102


def rows_of(page: str | bytes) -> dict[int, ScheduledOffering]:
    return {row.site_no: row for row in parse_schedule(page).rows}


def test_the_worked_example_is_read_to_the_last_field() -> None:
    page = parse_schedule(sample38("schedule"), url="http://38/", seen_on=date(2030, 11, 4))

    assert page.rows == [
        ScheduledOffering(
            site_no=9105,
            name="가람로보틱스",
            former_name="가람기계",
            is_spac=False,
            market_hint="KOSDAQ",
            status_note=None,
            is_withdrawn=False,
            subscription_start=date(2030, 12, 30),
            subscription_end=date(2031, 1, 2),
            final_price=None,
            band_low=24_800,
            band_high=28_400,
            subscription_rate=None,
            underwriters=("한빛증권", "새롬투자증권"),
            color_hint="coming",
        ),
        ScheduledOffering(
            site_no=9104,
            name="나래소재",
            former_name=None,
            is_spac=False,
            market_hint="KOSPI",
            status_note="정정신고서 제출 요구",
            is_withdrawn=False,
            subscription_start=date(2030, 11, 20),
            subscription_end=date(2030, 11, 21),
            final_price=None,
            band_low=9_000,
            band_high=9_000,
            subscription_rate=None,
            underwriters=("한빛증권",),
            color_hint="coming",
        ),
        ScheduledOffering(
            site_no=9103,
            name="다온스팩5호",
            former_name=None,
            is_spac=True,
            market_hint="KOSDAQ",
            status_note=None,
            is_withdrawn=False,
            subscription_start=date(2030, 11, 4),
            subscription_end=date(2030, 11, 5),
            final_price=2_000,
            band_low=2_000,
            band_high=2_000,
            subscription_rate=None,
            underwriters=("새롬투자증권",),
            color_hint="open",
        ),
        ScheduledOffering(
            site_no=9102,
            name="마루바이오",
            former_name=None,
            is_spac=False,
            market_hint="KOSDAQ",
            status_note=None,
            is_withdrawn=False,
            subscription_start=date(2030, 10, 14),
            subscription_end=date(2030, 10, 15),
            final_price=12_500,
            band_low=10_500,
            band_high=12_500,
            subscription_rate=Decimal("2783.89"),
            underwriters=("한빛증권",),
            color_hint="over",
        ),
    ]
    assert (page.last_page, page.unread, page.warnings) == (25, [], [])


def test_links_outside_the_table_are_not_offerings() -> None:
    assert 9001 not in rows_of(sample38("schedule"))


def test_columns_are_found_by_their_headers_in_any_order() -> None:
    swapped = changed(
        sample("schedule"),
        ("<th> 확정공모가 </th><th> 희망공모가 </th>", "<th> 희망<br>공모가 </th><th>새 열</th><th> 확정 공모가\xa0</th>"),
        ("<td align='center'>12,500 </td>\n<td align='center'>10,500~12,500 </td>", "<td>10,500~12,500</td><td>x</td><td>12,500</td>"),
        ("<td align='center'>2,000 </td>\n<td align='center'>2,000~2,000 </td>", "<td>2,000~2,000</td><td>x</td><td>2,000</td>"),
        ("<td align='center'>- </td>\n<td align='center'>9,000~9,000 </td>", "<td>9,000~9,000</td><td>x</td><td>-</td>"),
        ("<td align='center'>- </td>\n<td align='center'>24,800~28,400 </td>", "<td>24,800~28,400</td><td>x</td><td>-</td>"),
    )

    assert list(rows_of(swapped).values()) == list(rows_of(sample38("schedule")).values())


@pytest.mark.parametrize(
    ("cell", "name", "former_name"),
    [
        ("가람(주)테크(구.가람(합)기계)", "가람(주)테크", "가람(합)기계"),
        ("SM C&amp;C 2", "SM C&C 2", None),
        ("가람(Reg.S)", "가람(Reg.S)", None),
        ("가람(구. 옛가람", "가람", "옛가람"),
        ("가<b>람</b>테크", "가람테크", None),
    ],
)
def test_names_keep_their_own_brackets_and_lose_the_former_name(cell: str, name: str, former_name: str | None) -> None:
    row = rows_of(changed(sample("schedule"), ("가람로보틱스(구.가람기계)", cell)))[GARAM]

    assert (row.name, row.former_name) == (name, former_name)


def test_a_name_with_letters_outside_ks_x_1001_is_read() -> None:
    page = changed(sample("schedule"), ("나래소재", "똠방소재"))

    assert rows_of(page.encode("cp949"))[NARAE].name == "똠방소재"


def test_white_space_of_every_kind_is_no_part_of_a_value() -> None:
    page = changed(
        sample("schedule"), (" 2030.10.14~10.15 ", "\r\n\t\xa02030.10.14\u3000~ 10.15\r"), (">2,783.89:1 <", ">\t2,783.89 :1\xa0<")
    )

    row = rows_of(page.replace("\n", "\r\n"))[MARU]

    assert (row.subscription_start, row.subscription_end) == (date(2030, 10, 14), date(2030, 10, 15))
    assert row.subscription_rate == Decimal("2783.89")


def test_an_end_with_its_own_year_is_read() -> None:
    row = rows_of(changed(sample("schedule"), ("2030.12.30~01.02", "2030.12.30~2031.01.02")))[GARAM]

    assert (row.subscription_start, row.subscription_end) == (date(2030, 12, 30), date(2031, 1, 2))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("정정신고서 제출 요구 ", "공모철회"),
        ("<td> 2030.11.20~11.21 </td>", "<td>철회</td>"),
        ('<font color="660000">(유가)</font>', '<font color="660000">(공모철회)</font>'),
        ("나래소재</font>", "나래소재(공모철회)</font>"),
    ],
)
def test_words_that_say_withdrawn_in_any_column_make_the_offer_withdrawn(before: str, after: str) -> None:
    row = rows_of(changed(sample("schedule"), (before, after)))[NARAE]

    assert row.is_withdrawn
    assert row.name == "나래소재"
    assert "철회" in (row.status_note or "")


def test_a_value_that_cannot_be_read_is_kept_in_words_with_a_warning_and_the_row_stands() -> None:
    page = parse_schedule(changed(sample("schedule"), (">10,500~12,500 <", ">10,500~12,5OO<")))

    row = next(row for row in page.rows if row.site_no == MARU)
    assert (row.band_low, row.final_price, row.status_note) == (None, 12_500, "10,500~12,5OO")
    assert [(warning.where, warning.field, warning.text) for warning in page.warnings] == [("no=9102", "band_low", "10,500~12,5OO")]


def test_a_row_that_lacks_a_cell_is_not_read_as_if_it_were_whole() -> None:
    page = parse_schedule(grown(changed(sample("schedule"), ("<td align='center'>12,500 </td>\n", ""))))

    assert MARU not in {row.site_no for row in page.rows}
    assert [(row.site_no, row.name, row.reason) for row in page.unread] == [(MARU, "마루바이오", "6 of 7 cells")]


def test_a_row_that_lacks_only_the_last_column_which_we_do_not_read_is_whole() -> None:
    whole = sample("schedule")
    page = changed(whole, ("<td>한빛증권</td>\n<td align=center></td>\n</tr>\n </tbody>", "<td>한빛증권</td></tr></tbody>"))

    assert rows_of(page)[MARU] == rows_of(whole)[MARU]


def test_an_offer_that_stands_twice_is_read_once() -> None:
    page = parse_schedule(changed(sample("schedule"), ("no=9103", "no=9102")))

    assert [row.site_no for row in page.rows] == [GARAM, NARAE, MARU]
    assert [warning.where for warning in page.warnings] == ["no=9102"]


def test_links_of_other_lists_with_other_numbers_are_not_taken() -> None:
    page = grown(
        changed(sample("schedule"), ('"/html/fund/?o=v&amp;no=9102&amp;l=', '"/html/ipo/ipo.htm?o=v&amp;key=2&amp;no=9102&amp;l='))
    )

    read = parse_schedule(page)

    assert MARU not in {row.site_no for row in read.rows}
    assert [(row.site_no, row.reason) for row in read.unread] == [(None, "no link to an offering")]


def test_a_colour_against_the_dates_is_a_warning_only() -> None:
    page = parse_schedule(sample38("schedule"), seen_on=date(2030, 11, 20))

    assert {warning.where for warning in page.warnings} == {"no=9103", "no=9104"}
    assert len(page.rows) == 4


def test_a_page_that_says_utf_8_of_itself_is_taken_at_its_word() -> None:
    page = changed(sample("schedule"), ("charset=euc-kr", "charset=utf-8"))

    assert rows_of(page.encode())[MARU].name == "마루바이오"


def test_an_undecodable_letter_in_a_name_is_a_warning() -> None:
    page = sample38("schedule").replace("마루바이오".encode("cp949"), b"\xff" + "루바이오".encode("cp949"))

    assert [warning.field for warning in parse_schedule(page).warnings] == ["name"]


@pytest.mark.parametrize("header", ["종목명", "공모주일정", "확정공모가", "희망공모가", "청약경쟁률", "주간사"])
def test_another_header_in_a_column_that_we_read_is_another_structure(header: str) -> None:
    page = sample("schedule").replace(header, "다른말", 1)

    with pytest.raises(StructureChanged) as caught:
        parse_schedule(page, url="http://38/list")

    assert header in caught.value.expected
    assert caught.value.seen
    assert caught.value.url == "http://38/list"
    assert caught.value.extra["url"] == "http://38/list"


def test_another_header_in_a_column_that_we_do_not_read_changes_nothing() -> None:
    assert len(rows_of(changed(sample("schedule"), ("<b>분석</b>", "<b>보기</b>")))) == 4


def test_a_page_without_the_table_names_the_tables_that_it_has() -> None:
    with pytest.raises(StructureChanged, match="다른 표") as caught:
        parse_schedule(changed(sample("schedule"), ('summary="공모주 청약일정"', 'summary="다른 표"')))

    assert "공모주 청약일정" in caught.value.expected


@pytest.mark.parametrize("page", ["", "<html></html>", "Service Temporarily Unavailable", b"\xff\xfe\x00", sample("schedule").encode()])
def test_a_page_that_is_none_is_another_structure(page: str | bytes) -> None:
    with pytest.raises(StructureChanged):
        parse_schedule(page)


def test_a_first_page_without_rows_is_another_structure_and_a_later_one_is_the_end() -> None:
    start, end = sample("schedule").index("<tbody>"), sample("schedule").index("</tbody>")
    page = sample("schedule")[:start] + sample("schedule")[end:]

    with pytest.raises(StructureChanged, match="rows"):
        parse_schedule(page)
    assert parse_schedule(page, page=26).rows == []


def test_more_than_a_fifth_of_the_rows_without_any_value_is_another_structure() -> None:
    without = changed(sample("schedule"), (" 2030.10.14~10.15 ", ""), (">12,500 <", "><"), (">10,500~12,500 <", ">-<"))

    with pytest.raises(StructureChanged, match="1 of 4 without"):
        parse_schedule(without)
    assert len(parse_schedule(grown(without)).rows) == 5, "a fifth is still a single odd row"


def grown(page: str) -> str:
    """One good row more."""
    start = page.index("<tr bgcolor='#FFFFFF'>")
    row = page[start : page.index("</tr>", start) + 5].replace("9105", "9106")
    return page[:start] + row + page[start:]
