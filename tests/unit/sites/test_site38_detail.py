"""The detail page of 38: the worked example to the last field, each form of each value, blocks that are not there yet."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.sites.samples import changed, sample, sample38
from worker.sites.errors import StructureChanged, UnknownOffering
from worker.sites.site38.detail import parse_detail
from worker.sites.site38.rows import Disclosure, OfferingDetail, PriceBids, Underwriter
from worker.sites.text import IntRange, PercentRange


def read(*changes: tuple[str, str]) -> OfferingDetail:
    return parse_detail(changed(sample("detail"), *changes), site_no=9102)


def test_the_worked_example_is_read_to_the_last_field() -> None:
    detail = parse_detail(sample38("detail"), site_no=9102)

    assert detail == OfferingDetail(
        site_no=9102,
        name="마루바이오",
        former_name=None,
        is_spac=False,
        is_withdrawn=False,
        status_note=None,
        stage="공모주",
        market="KOSDAQ",
        symbol="0177K0",
        industry="의약품 제조업",
        representative="홍길동",
        company_size="중소일반",
        address="서울특별시 어딘가 1",
        phone=None,
        homepage_url=None,
        largest_shareholder=None,
        revenue_krw_million=14_000,
        pretax_income_krw_million=-2_100,
        net_income_krw_million=-2_200,
        capital_krw_million=None,
        offered_shares=2_000_000,
        par_value=500,
        new_shares=1_600_000,
        new_shares_pct=Decimal(80),
        existing_shares=400_000,
        existing_shares_pct=Decimal(20),
        band_low=10_500,
        band_high=12_500,
        subscription_rate=Decimal("2783.89"),
        proportional_rate=Decimal(5568),
        final_price=12_500,
        offering_amount_krw_million=25_000,
        underwriters=(
            Underwriter(name="한빛증권", shares=IntRange(350_000, 420_000), limit=IntRange(12_000, 14_000), role="lead"),
            Underwriter(name="새롬투자증권", shares=IntRange(150_000, 150_000), limit=None, role="joint"),
        ),
        underwriter_shares=IntRange(500_000, 500_000),
        underwriter_limit=None,
        forecast_start=date(2030, 10, 1),
        forecast_end=date(2030, 10, 7),
        subscription_start=date(2030, 10, 14),
        subscription_end=date(2030, 10, 15),
        allotment_date=date(2030, 10, 17),
        payment_date=date(2030, 10, 17),
        refund_date=date(2030, 10, 17),
        listing_date=None,
        employee_shares=None,
        employee_pct=None,
        institution_shares=IntRange(1_500_000, 1_500_000),
        institution_pct=PercentRange(Decimal("75.0"), Decimal("75.0")),
        retail_shares=IntRange(500_000, 500_000),
        retail_pct=PercentRange(Decimal("25.0"), Decimal("25.0")),
        retail_deposit_rate_pct=Decimal(50),
        retail_limit_min=12_000,
        retail_limit_max=14_000,
        retail_minimum_shares=None,
        ir_date=date(2030, 9, 30),
        ir_place="기관 : 여의도 어딘가 PM 01:00 일반 :",
        institution_rate=Decimal("1200.00"),
        lockup_pct=Decimal("5.00"),
        current_price=None,
        current_change_pct=None,
        lockup_6m_shares=50_000_000,
        lockup_3m_shares=0,
        lockup_1m_shares=10_000_000,
        lockup_15d_shares=30_000_000,
        lockup_total_shares=90_000_000,
        forecast_participants=2_100,
        forecast_requested_shares=1_800_000_000,
        price_distribution=(
            PriceBids(label="가격미제시", count=15, shares=9_000_000, pct=Decimal("0.5")),
            PriceBids(label="12,500원 (상단)", count=2_085, shares=1_791_000_000, pct=Decimal("99.5")),
            PriceBids(label="10,500원 미만", count=None, shares=0, pct=None),
            PriceBids(label="합계", count=2_100, shares=1_800_000_000, pct=Decimal(100)),
        ),
        disclosures=(),
        warnings=(),
    )


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ("&nbsp; 코스닥<", "&nbsp; 거래소<", {"market": "KOSPI"}),
        ("&nbsp; 코스닥<", "&nbsp; 유가증권<", {"market": "KOSPI"}),
        ("&nbsp; 0177K0<", "&nbsp; <", {"symbol": None}),
        ("&nbsp; 공모주\t", "&nbsp; 신규상장", {"stage": "신규상장"}),
        ("마루바이오</font>", "마루스팩2호(구.옛스팩)</font>", {"name": "마루스팩2호", "former_name": "옛스팩", "is_spac": True}),
        ("<a href='http://' target", "<a href='http://www.example.com' target", {"homepage_url": "http://www.example.com"}),
        ("14,000 (백만원)", "- (백만원)", {"revenue_krw_million": None}),
        ("-2,200 (백만원)", "0 (백만원)", {"net_income_krw_million": 0}),
        (
            "신주모집 : 1,600,000 주 (80%)&nbsp; / &nbsp;구주매출 : 400,000 주 (20%)",
            "신주모집 : 2,000,000 주 (100%)",
            {"new_shares": 2_000_000, "new_shares_pct": Decimal(100), "existing_shares": None, "existing_shares_pct": None},
        ),
        ("400,000 주 (20%)", "312,319 주 (19.37%)", {"existing_shares": 312_319, "existing_shares_pct": Decimal("19.37")}),
        (
            "2,783.89:1 (비례 5568:1)",
            "1,375.34 :1 (비례 2751:1)",
            {"subscription_rate": Decimal("1375.34"), "proportional_rate": Decimal(2751)},
        ),
        ("2,783.89:1 (비례 5568:1)", "", {"subscription_rate": None, "proportional_rate": None}),
        ("<b>12,500</b> 원", "<b>-</b> 원", {"final_price": None}),
        ("2030.10.01\t &nbsp;~ &nbsp; 2030.10.07", " &nbsp;~ &nbsp; ", {"forecast_start": None, "forecast_end": None}),
        ("상장일</td><td colspan=3>&nbsp; <", "상장일</td><td colspan=3>&nbsp; 2030.10.25<", {"listing_date": date(2030, 10, 25)}),
        ("&nbsp;  주 &nbsp; ", "400,000 주 (20.0%)", {"employee_shares": IntRange(400_000, 400_000)}),
        (
            "1500000 주 &nbsp;(75.0%)",
            "1,400,000~1,500,000 주 &nbsp;(70.00~75.00%)",
            {
                "institution_shares": IntRange(1_400_000, 1_500_000),
                "institution_pct": PercentRange(Decimal("70.00"), Decimal("75.00")),
            },
        ),
        ("<b>12,000~14,000</b> 주", "<b>16,000</b> 주", {"retail_limit_min": 16_000, "retail_limit_max": 16_000}),
        ("최저 : &nbsp;- 주", "최저 : &nbsp;10 주", {"retail_minimum_shares": 10}),
        ("1200.00:1\t\t</td>", "714.52\t\t</td>", {"institution_rate": Decimal("714.52")}),
        ("주식수: 500000 주", "주식수: 1,250,000DR~1,500,000DR 주", {"underwriter_shares": IntRange(1_250_000, 1_500_000)}),
        ("청약한도: - 주", "청약한도: 16,000~20,000 주", {"underwriter_limit": IntRange(16_000, 20_000)}),
        (
            "IR장소/시간</font>&nbsp;</td><td>&nbsp; 기관",
            "IR장소/시간</font>&nbsp;</td><td>본사",
            {"ir_place": "본사 : 여의도 어딘가 PM 01:00 일반 :"},
        ),
    ],
)
def test_every_form_of_a_field_is_read(before: str, after: str, fields: dict[str, Any]) -> None:
    detail = read((before, after))

    assert {name: getattr(detail, name) for name in fields} == fields
    assert detail.status_note is None


def test_one_underwriter_has_the_figures_beside_its_name() -> None:
    detail = read((table_of_brokers(), ""), ("<b>한빛증권,새롬투자증권</b>", "<b>한빛증권</b>"), ("청약한도: - 주", "청약한도: 20,000 주"))

    assert detail.underwriters == (
        Underwriter(name="한빛증권", shares=IntRange(500_000, 500_000), limit=IntRange(20_000, 20_000), role=None),
    )


def test_two_underwriters_without_their_table_are_two_brokers_whose_shares_are_not_known() -> None:
    detail = read((table_of_brokers(), ""))

    assert detail.underwriters == (
        Underwriter(name="한빛증권", shares=None, limit=None, role=None),
        Underwriter(name="새롬투자증권", shares=None, limit=None, role=None),
    )
    assert detail.underwriter_shares == IntRange(500_000, 500_000)


def test_a_table_of_brokers_in_the_free_text_below_is_not_the_underwriters() -> None:
    table = table_of_brokers()

    detail = read((table, ""), ("</td></tr></table></body>", f"<P><B>공모분석{table}</P></td></tr></table></body>"))

    assert [broker.shares for broker in detail.underwriters] == [None, None]


def test_a_role_that_is_not_known_is_a_warning() -> None:
    detail = read(("<td align=center>공동</td>", "<td align=center>주선</td>"))

    assert [broker.role for broker in detail.underwriters] == ["lead", None]
    assert [warning.text for warning in detail.warnings] == ["주선"]


def test_zero_lock_up_beside_a_blank_rate_is_not_known_yet() -> None:
    before = before_forecast()

    detail = parse_detail(before, site_no=9102)

    assert (detail.institution_rate, detail.lockup_pct) == (None, None)
    assert (detail.lockup_total_shares, detail.forecast_participants, detail.price_distribution) == (None, None, ())
    assert detail.warnings == ()


def test_zero_lock_up_beside_a_rate_is_zero() -> None:
    start = sample("detail").index('<table width="100%"><tr><td height=24><img alt=\'의무보유')
    page = sample("detail")[:start].replace("5.00%\t", "0.00%\t")

    assert parse_detail(page, site_no=9102).lockup_pct == 0


def test_the_block_of_a_listed_offering_is_read() -> None:
    listed = (
        "<tr> <td align=center>신규상장</tD><Td colspan=4><table><tr><td>신규상장일&nbsp;</td><td>2030.10.25</td>"
        '<td>현재가&nbsp;</td><td>{}</td></tr></table></td></tr>\n</table>\n<table width="100%"><tr><td height=24><img alt=\'의무보유'
    )
    anchor = '</table>\n<table width="100%"><tr><td height=24><img alt=\'의무보유'

    detail = read((anchor, listed.format("31,500 원 (-3.10%)")))
    coming = read((anchor, listed.format("- 원 (%)")))

    assert (detail.listing_date, detail.current_price, detail.current_change_pct) == (date(2030, 10, 25), 31_500, Decimal("-3.10"))
    assert (coming.listing_date, coming.current_price, coming.current_change_pct) == (date(2030, 10, 25), None, None)


def test_words_in_place_of_a_value_are_kept_verbatim_and_the_page_is_read() -> None:
    detail = read(("&nbsp; 2030.10.14 &nbsp;~ &nbsp; 2030.10.15", "&nbsp; 공모철회 (2030.10.02)"))

    assert (detail.subscription_start, detail.final_price) == (None, 12_500)
    assert detail.status_note == "공모철회 (2030.10.02)"
    assert detail.is_withdrawn
    assert [(warning.where, warning.field) for warning in detail.warnings] == [("공모청약일", "subscription_start")]


def test_a_missing_offer_table_is_a_warning_and_what_the_schedule_repeats_is_taken_from_there() -> None:
    start, end = (sample("detail").index(f'<table width="100%" cellspacing="1" summary="{name}">') for name in ("공모정보", "공모청약일정"))

    detail = parse_detail(sample("detail")[:start] + sample("detail")[end:], site_no=9102)

    assert (detail.final_price, detail.band_low, detail.band_high, detail.par_value) == (12_500, 10_500, 12_500, 500)
    assert (detail.offered_shares, detail.offering_amount_krw_million, detail.underwriters) == (2_000_000, 25_000, ())
    assert [warning.where for warning in detail.warnings] == ["공모정보"]


def test_two_places_that_contradict_each_other_are_a_warning() -> None:
    page = sample("detail")
    last = page.rindex("2,000,000 주")

    detail = parse_detail(page[:last] + "2,100,000 주" + page[last + len("2,000,000 주") :], site_no=9102)

    assert detail.offered_shares == 2_000_000
    assert [warning.field for warning in detail.warnings] == ["offered_shares"]


def test_a_label_that_is_gone_is_a_warning() -> None:
    detail = read(("환불일", "반환일"))

    assert detail.refund_date is None
    assert [warning.text for warning in detail.warnings] == ["the label 환불일 is missing"]


def test_demand_in_another_unit_is_not_read_as_shares() -> None:
    detail = read(("신청수량(단위:주)", "신청수량(단위:천주)"))

    assert (detail.lockup_total_shares, detail.lockup_6m_shares) == (None, None)
    assert [warning.where for warning in detail.warnings] == ["의무보유확약비율"]


def test_a_title_without_its_table_does_not_take_the_next_one() -> None:
    page = sample("detail")
    start = page.index("<table cellspacing=1 cellpadding=4 border=0 width=100%>")
    end = page.index("<table width=\"100%\"><tr><td><img alt='수요예측 참여내역'")

    detail = parse_detail(page[:start] + page[end:], site_no=9102)

    assert (detail.lockup_total_shares, detail.forecast_participants) == (None, 2_100)


def test_disclosures_are_read() -> None:
    table = '<table summary="공시자료"><tr><td><a href="http://dart.example/1">증권신고서 </a></td></tr></table></body>'

    assert read(("</body>", table)).disclosures == (Disclosure(title="증권신고서", url="http://dart.example/1"),)


def test_upper_case_tags_and_missing_ends_are_no_trouble() -> None:
    page = sample("detail").replace("<td", "<TD").replace("</td>", "").replace("</tr>", "")

    detail = parse_detail(page, site_no=9102)

    assert (detail.name, detail.final_price, detail.retail_limit_max, detail.institution_rate) == (
        "마루바이오",
        12_500,
        14_000,
        Decimal(1200),
    )


@pytest.mark.parametrize("summary", ["기업개요", "공모청약일정"])
def test_a_missing_block_that_must_be_there_is_another_structure(summary: str) -> None:
    with pytest.raises(StructureChanged, match=summary) as caught:
        parse_detail(changed(sample("detail"), (f'summary="{summary}"', "")), site_no=9102, url="http://38/9102")

    assert caught.value.url == "http://38/9102"


@pytest.mark.parametrize("label", [" 종목명<", "공모청약일<"])
def test_a_missing_label_that_must_be_there_is_another_structure(label: str) -> None:
    with pytest.raises(StructureChanged):
        read((label, "다른말<"))


def test_an_unknown_number_is_told_from_another_structure() -> None:
    page = "<html><body><table><tr><td>해당 정보가 없습니다.</td></tr></table></body></html>".encode("cp949")

    with pytest.raises(UnknownOffering):
        parse_detail(page, site_no=1)


def table_of_brokers() -> str:
    page = sample("detail")
    start = page.index('<table width="100%" cellspacing="1">\n  <tr> <td align=center> 인수회사')
    return page[start : page.index("</table>", start) + len("</table>")]


def before_forecast() -> str:
    page = sample("detail")
    start = page.index('<table width="100%"><tr><td height=24><img alt=\'의무보유')
    return changed(page[:start], ("1200.00:1\t", "\t"), ("5.00%\t", "0.00%\t"))
