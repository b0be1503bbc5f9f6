"""The detail page of one offering, with the blocks that are there on its day."""

from datetime import date
from decimal import Decimal

from api.local.fixture_sites.frame38 import page
from api.local.fixture_sites.lists38 import full_name
from api.local.fixture_sites.offers import Offer, cents


def detail(offer: Offer, day: date) -> str:
    """The page; the four blocks with a ``summary``, the brokers' table where there are several, the forecast in numbers once it is done."""
    blocks = [_title("기업개요"), _company(offer, day), "<br>", _offering(offer, day), "<br>", _brokers(offer, day), _schedule(offer, day)]
    if offer.is_forecast_done(day):
        blocks += [_lockups(offer), _participants(offer), _prices(offer)]
    return page("\n".join(blocks) + _free_text())


def unknown() -> str:
    """What the site answers for a number that it does not know."""
    return page('<table width="100%"><tr><td align=center>해당 정보가 없습니다.</td></tr></table>')


def _title(alt: str) -> str:
    return f'<table width="100%"><tr><td height=24><img src="/t1.gif" alt="{alt}"></td></tr></table>'


def _company(offer: Offer, day: date) -> str:
    def million(value: int | None) -> str:
        return f"{value:,} (백만원)" if value is not None else "- (백만원)"

    stage = "신규상장" if offer.is_listed(day) else "공모주"
    home = f"http://www.example.com/{offer.site_no}" if offer.kind == "stock" else "http://"
    return f"""<table width="100%" cellspacing="1" summary="기업개요">
  <tr> <td height=30 width="15%" align=center> 종목명</td>
    <td width="35%">&nbsp; <a href="http://forum.38.co.kr/html/forum/board/?code={offer.symbol}"><b><font size=3>{full_name(offer)}</font></b></a> </td>
	<td align=center> 진행상황</td><td>&nbsp; {stage}	</td></tr>
  <tr> <td align=center> 시장구분</td><td>&nbsp; {"거래소" if offer.is_kospi else "코스닥"}</td><td align=center> 종목코드</td><td>&nbsp; {offer.symbol}</td></tr>
  <tr> <td align=center> 업종 </td><td colspan=3>&nbsp; {offer.industry}</td></tr>
  <tr> <td align=center> 대표자 </td><td>&nbsp; {offer.representative}</td><td align=center> 기업구분 </td><td>&nbsp; 중소일반</td></tr>
  <tr> <td align=center>본점소재지</td><td colspan=3> &nbsp; 서울특별시 어딘가 {offer.site_no % 90 + 1}</td></tr>
  <tr> <td align=center> 홈페이지 </td><td>&nbsp; <a href='{home}' target="_blank">{home.removeprefix("http://")}</a></td>
    <td align=center> 대표전화 </td><td>&nbsp; 02-000-{offer.site_no:04d}</td></tr>
  <tr> <td align=center>최대주주</td><td colspan=3> &nbsp; {offer.representative} {offer.site_no % 50 + 20}.5%</td></tr>
  <tr> <td align=center> 매출액 </td><td>&nbsp; {million(offer.revenue)}</td>
    <td align=center>법인세비용차감전<br>계속사업이익</td><td>&nbsp; {million(offer.pretax)}</td></tr>
  <tr> <td align=center> 순이익</td><td>&nbsp; {million(offer.net)}</td><td align=center> 자본금</td><td>&nbsp; {million(offer.capital)}</td></tr>
</table>"""


def _offering(offer: Offer, day: date) -> str:
    new = offer.offered - offer.existing
    parts = f"신주모집 : {new:,} 주 ({100 * new // offer.offered}%)"
    if offer.existing:
        parts += f"&nbsp; / &nbsp;구주매출 : {offer.existing:,} 주 ({_percent(offer.existing, offer.offered)}%)"
    rate = f"{offer.subscription_rate:,}:1 (비례 {offer.proportional_rate}:1) " if offer.is_over(day) else ""
    return f"""<table width="100%" cellspacing="1" summary="공모정보">
  <tr> <td align=center> 총공모주식수 </td><td>&nbsp; {offer.offered:,} 주</td><td align=center> 액면가 </td><td>&nbsp; {offer.par or "-"} 원</td></tr>
  <tr> <td align=center>상장공모</td><td colspan=3>&nbsp; {parts}
	    </td></tr>
  <tr> <td align=center>희망공모가액</td><td> &nbsp; {offer.band[0]:,} ~ {offer.band[1]:,} 원</td><td align=center> 청약경쟁률 </td><td>&nbsp; {rate}</td></tr>
  <tr> <td align=center> 확정공모가 </td><td>&nbsp; <b>{_price(offer, day)}</b> 원</td><td align=center> 공모금액 </td><td>&nbsp; {offer.amount(day):,} (백만원)</td></tr>
  <tr> <td align=center> 주간사 </td><td>&nbsp; <b>{",".join(share.broker for share in offer.shares)}</b>
	</td><td align=center colspan="2">주식수: {_totals(offer, day)} 주 &nbsp;&nbsp;/&nbsp;&nbsp; 청약한도: {_limit(offer.shares[0].limit)} 주</td></tr>
</table>"""


def _totals(offer: Offer, day: date) -> str:
    low, high = _retail_range(offer, day)
    if offer.kind == "foreign":
        return f"{low:,}DR~{high:,}DR"
    return f"{low}" if low == high else f"{low:,}~{high:,}"


def _brokers(offer: Offer, day: date) -> str:
    if len(offer.shares) == 1 or not offer.has_broker_table:
        return ""
    rows = "".join(
        f"<tr><td bgcolor='#FFFFFF' align=center>{share.broker}</td><td align=center>{_range(_widened(offer, share.shares, day))} 주</td>"
        f"<td align=center>{_limit(share.limit)} 주</td><td align=center>{share.role}</td></tr>"
        for share in offer.shares
    )
    return (
        '<table width="100%" cellspacing="1">\n  <tr> <td align=center> 인수회사 </td><td align=center> 주식수 </td>'
        f"<td align=center> 청약한도 </td><td align=center> 기타 </td></tr>\n{rows}</table>\n<br>"
    )


def _schedule(offer: Offer, day: date) -> str:
    listing = f"{offer.listing:%Y.%m.%d}" if offer.is_over(day) else ""
    is_done = offer.is_forecast_done(day)
    rate = f"{offer.institution_rate}{':1' if offer.site_no % 5 else ''}" if is_done else ""
    lockup = f"{offer.lockup_pct}%" if is_done else "0.00%"
    ends = (f"{day_:%Y.%m.%d}" for day_ in (*offer.forecast, *offer.subscription))
    forecast_start, forecast_end, start, end = ends
    return f"""<table width="100%" cellspacing="1" summary="공모청약일정">
  <tr> <td width="10%" rowspan=6 align=center> 주요일정</td><td align=center>수요예측일</td><td colspan=3>&nbsp; {forecast_start}	 &nbsp;~ &nbsp; {forecast_end}	</td></tr>
  <Tr> <td align=center>공모청약일</td><td colspan=3>&nbsp; {start} &nbsp;~ &nbsp; {end} </td></tr>
  <Tr> <td align=center>배정공고일(신문)</td><td colspan=3>&nbsp; {offer.allotment:%Y.%m.%d}      (주간사 홈페이지 참조)</td></tr>
  <Tr> <td align=center>납입일</td><td colspan=3>&nbsp; {offer.allotment:%Y.%m.%d}</td></tr>
  <Tr> <td align=center>환불일</td><td colspan=3>&nbsp; {offer.allotment:%Y.%m.%d}</td></tr>
  <Tr> <td align=center>상장일</td><td colspan=3>&nbsp; {listing}</td></tr>
  {_groups(offer, day)}
  <tr> <td align=center>IR일정</tD><Td colspan=4 align=left><table width="100%"><tr><td align="center">
		<font color="#000000">IR일자</font>&nbsp;
		</td><td align="center">
		{forecast_start}		</td><td align="center"><font color="#000000">IR장소/시간</font>&nbsp;</td><td>&nbsp; 기관 : 여의도 어딘가 PM 01:00<br>
		&nbsp; 일반 :  </td></tr></table></td></tr>
  <tr> <td align=center>수요예측결과</tD><Td colspan=4 align=left><table width="100%"><tr><td align="center"><font color="#000000">기관경쟁률</font>&nbsp;</td><td align="center">
		{rate}		</td><td align="center"><font color="#000000">의무보유확약</font>&nbsp;</td><td align="center">
		{lockup}		</td></tr></table></td></tr>
  {_listed(offer, day) if offer.is_over(day) else ""}
</table>"""


def _groups(offer: Offer, day: date) -> str:
    low, high = _retail_range(offer, day)
    rest = offer.offered - offer.employee
    institution = (rest - high, rest - low)
    employee = f"{offer.employee:,} 주 &nbsp;(20.0%)" if offer.employee else " 주 &nbsp;"
    return f"""<tr> <td align=center>공모사항</td><td colspan=4 bgcolor=FFFFFF>
	<table width=100% border=0><tr><td align=center>확정공모가</td><td>&nbsp; <b>{_price(offer, day)}</b> 원</td><td colspan=2>
	<table><tr><td align=left>&nbsp;&nbsp;&nbsp;주당액면가 :&nbsp; {offer.par or "-"}            원</td></tr>
	<tr><td align=left>&nbsp;&nbsp;&nbsp;희망공모가액 :&nbsp; {offer.band[0]:,}             ~ {offer.band[1]:,} 원</td></tr></table></td></tr>
	<tr><td align=center>총공모주식수</td><td>&nbsp; {offer.offered:,} 주</td><td colspan=2><table><tr><td colspan=3>&nbsp;&nbsp;공모금액 :&nbsp;{offer.amount(day):,}          (백만원)</td></tr></table></td></tr>
	<tr><td rowspan=4 align=center>그<br>
      룹<br>별<br>배<br>정</td><td align="center">우리사주조합</td><td>&nbsp; {employee}      &nbsp; </td><td>&nbsp;청약증거금율 : 100% </td></tr>
	<tr><td align="center">기관투자자등 </td><td>&nbsp; {_shares_pct(institution, offer.offered)}      &nbsp; </td><td>&nbsp;최고한도 : &nbsp;- 주</td></tr>
	<tr><td rowspan=2 align="center">일반청약자</td><td>&nbsp; {_shares_pct((low, high), offer.offered)}      &nbsp; </td><Td>&nbsp;청약증거금율 : 50% </td></tr>
	<tr><td>&nbsp;청약 최고한도 : &nbsp;<b>{_limit(offer.shares[0].limit)}</b> 주 </td><td>&nbsp;최저 : &nbsp;- 주</td></tr></table></td></tr>"""


def _listed(offer: Offer, day: date) -> str:
    price = f"{offer.close(day):,} 원 ({(offer.close(day) / offer.price - 1) * 100:.2f}%)" if offer.is_listed(day) else "- 원 (%)"
    return f"""<tr> <td align=center>신규상장</tD><Td colspan=4 align=left><table width="100%"><tr><td align="center"><font color="#000000">신규상장일</font>&nbsp;</td>
		<td align="center">{offer.listing:%Y.%m.%d}</td><td align="center"><font color="#000000">현재가</font>&nbsp;</td><td align="center">
		{price}	</td></tr></table></td></tr>"""


def _lockups(offer: Offer) -> str:
    rows = "".join(
        f"<tr bgcolor=#FFFFFF><td align=center>{term} 확약	</td><td align=right>{shares:,}</td></tr>\n"
        for term, shares in zip(("6개월", "3개월", "1개월", "15일"), offer.lockups, strict=True)
    )
    return (
        f'<table width="100%"><tr><td height=24><img alt=\'의무보유 확약비율\' src="/t9.gif"></td></tr></table>\n'
        "<table cellspacing=1 cellpadding=4 border=0 width=100%>\n<tr><td align=center>구분</td><td align=center>신청수량(단위:주)</td></tr>\n"
        f"{rows}<tr bgcolor=#FFFFFF><td align=center>합계</td><td align=right>{sum(offer.lockups):,}</td></tr>\n"
        f"<tr bgcolor=#F5F5F2><td align=center>총 수량 대비 비율(%)</td><td align=right>{offer.lockup_pct}%</td></tr></table>"
    )


def _participants(offer: Offer) -> str:
    return (
        '<table width="100%"><tr><td><img alt=\'수요예측 참여내역\' src="/t10.gif"></td></tr></table>\n'
        "<table cellspacing=1 width=100%><tr><td align=center>참여건수 (단위:건)</td><td align=center>신청주식수 (단위:주)</td>"
        f"<td align=center>단순경쟁</td></tr>\n<tr><td align=center>{offer.participants:,}</td><td align=center>{offer.requested:,}</td>"
        f"<td align=center>{offer.institution_rate}:1</td></tr></table>"
    )


def _prices(offer: Offer) -> str:
    unpriced = offer.requested // 200
    count = offer.participants // 150
    rows = [
        ("가격미제시", f"{count}", f"{unpriced:,}", "0.5%"),
        (f"{offer.band[1]:,}원 초과", "-", "-", "%"),
        (f"{offer.band[1]:,}원 (상단)	", f"{offer.participants - count}	", f"{offer.requested - unpriced:,}", "99.5%"),
        (f"{offer.band[0]:,}원 (하단)", "", "0", "%"),
        ("합계", f"{offer.participants:,}건", f"{offer.requested:,}주", "100%"),
    ]
    cells = "".join("<tr>" + "".join(f"<td>{text}</td>" for text in row) + "</tr>\n" for row in rows)
    return (
        '<table width="100%"><tr><td><img alt=\'수요예측 신청가격분포\' src="/t11.gif"></td></tr></table>\n'
        f"<table cellspacing=1 width=100%><tr><td>구분</td><td>참여건수 (단위:건) </td><td>신청주식수 (단위: 주)</td><td>비율(%)</td></tr>\n{cells}</table>"
    )


def _free_text() -> str:
    return (
        '<table width="100%"><tr><td><img alt=\'공모분석\' src="/t12.gif"></td></tr></table>\n'
        '<P STYLE="margin:0"><B>유통가능물량<TABLE BORDER=1><TR><TD>인수회사<TD>주식수<TD>청약한도<TD>기타<TR><TD>최대주주<TD>1,000<TD>-<TD>보호예수</TABLE></P>\n'
        '<table summary="공시자료"><tr><td><a href="http://dart.fss.or.kr/dsaf001/main.do?rcpNo=20300101000001">증권신고서(지분증권)</a></td></tr></table>'
    )


def _price(offer: Offer, day: date) -> str:
    return f"{offer.price:,}" if offer.is_priced(day) else "-"


def _limit(limit: tuple[int, int] | None) -> str:
    return _range(limit).replace(" ", "") if limit else "-"


def _range(ends: tuple[int, int]) -> str:
    return f"{ends[0]:,}" if ends[0] == ends[1] else f"{ends[0]:,} ~ {ends[1]:,}"


def _retail_range(offer: Offer, day: date) -> tuple[int, int]:
    """25 to 30 % of all before the price is set, the lower end of it afterwards."""
    return offer.retail, offer.retail if offer.is_priced(day) else offer.offered * 3 // 10


def _widened(offer: Offer, shares: tuple[int, int], day: date) -> tuple[int, int]:
    low, high = _retail_range(offer, day)
    return shares[0], shares[1] * high // low


def _shares_pct(shares: tuple[int, int], offered: int) -> str:
    if shares[0] == shares[1]:
        return f"{shares[0]} 주 &nbsp;({100 * shares[0] / offered:.1f}%)"
    return f"{shares[0]:,}~{shares[1]:,} 주 &nbsp;({100 * shares[0] / offered:.2f}~{100 * shares[1] / offered:.2f}%)"


def _percent(part: int, whole: int) -> str:
    return str(cents(Decimal(100 * part) / whole))
