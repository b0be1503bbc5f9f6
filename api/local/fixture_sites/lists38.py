"""The three lists of 38: subscription schedule, results of demand forecasts, new listings."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from html import escape

from api.local.fixture_sites.frame38 import page
from api.local.fixture_sites.offers import Offer

ROWS_PER_PAGE = 30
_MARK = '<font color="660000">(유가)</font>'
_FOOTNOTE = '<div align=left><font color="660000">※ (유가) : 유가증권시장(거래소)</font></div>'
_LINE = '<tr><td colspan={} height=1 bgcolor="#DADADA"></td></tr>'


def schedule(offers: Sequence[Offer], day: date, number: int) -> str:
    """Subscription schedule, ``o=k``."""
    headers = "".join(f"<th> {text} </th>" for text in ("종목명", "공모주일정", "확정공모가", "희망공모가", "<b>청약경쟁률 </b>", "주간사"))
    return _list(
        "공모주 청약일정",
        f"<tr bgcolor=\"ECF0F9\">{headers}<th align='center'> <b>분석</b> </th></tr>\n"
        '<tr> <td colspan="8" style="border-top:#CCD3DD 1px solid;"></td></tr>',
        offers,
        number,
        "k",
        lambda offer, position: _schedule_row(offer, day, position),
    )


def forecasts(offers: Sequence[Offer], day: date, number: int) -> str:
    """Results of demand forecasts, ``o=r1``; SPACs stand here before they have one."""
    soon = day + timedelta(days=20)
    known = [offer for offer in offers if offer.is_forecast_done(day) or (offer.kind == "spac" and offer.forecast[1] < soon)]
    known.sort(key=lambda offer: (offer.forecast[1], offer.site_no), reverse=True)
    headers = ("기업명", "예측일", "공모희망가(원)", "공모가(원)", "공모금액<br>(백만원)", "기관<br>경쟁률", "의무보유<br>확약", "주간사")
    return _list(
        "수요예측결과",
        "<tr>" + "".join(f"<th>{text}</th>" for text in headers) + "</tr>",
        known,
        number,
        "r1",
        lambda offer, _: _forecast_row(offer, day),
    )


def listings(offers: Sequence[Offer], day: date, number: int) -> str:
    """New and coming listings, ``o=nw``."""
    known = sorted((offer for offer in offers if offer.is_over(day)), key=lambda offer: (offer.listing, offer.site_no), reverse=True)
    headers = (
        "기업명", "신규상장일", "현재가(원)", "전일비(%)", "공모가(원)", "공모가대비 등락률(%)", "시초가(원)", "시초/공모(%)", "첫날<br/>종가(원)",
    )  # fmt: skip
    return _list(
        "신규상장종목",
        "<tr>" + "".join(f"<th>{text}</th>" for text in headers) + "</tr><tr><td colspan=9></td></tr>",
        known,
        number,
        "nw",
        lambda offer, _: _listing_row(offer, day),
    )


def _list(summary: str, head: str, offers: Sequence[Offer], number: int, kind: str, row: Callable[[Offer, int], str]) -> str:
    first = (number - 1) * ROWS_PER_PAGE
    rows = "\n".join(row(offer, position) for position, offer in enumerate(offers[first : first + ROWS_PER_PAGE]))
    last = max(1, -(-len(offers) // ROWS_PER_PAGE))
    table = f'<table width="100%" border="0" cellpadding="3" summary="{summary}">\n<thead>\n{head}\n</thead>\n<tbody>\n{rows}\n</tbody></table>\n'
    return page(f"{table}</td></tr></table>\n{_pager(number, last, kind)}\n{_FOOTNOTE}<table><tr><td>")


def _pager(number: int, last: int, kind: str) -> str:
    def link(target: int, text: str) -> str:
        return f"<a href='/html/fund/index.htm?o={kind}&amp;page={target}'>{text}</a>&nbsp;"

    pages = "".join(
        f"<font color=green><b>{other}</b></font>&nbsp;" if other == number else link(other, f"[{other}]")
        for other in range(1, min(last, 10) + 1)
    )
    after = link(min(number + 1, last), "[다음]") + link(min(number + 10, last), "[10개 뒤]") + link(last, "[마지막]")
    return f'<table><tr><td colspan="3">&nbsp;<div align=center>&nbsp;{pages}{after}</div></td></tr></table>'


def full_name(offer: Offer) -> str:
    """The name with the former one."""
    return escape(offer.name + (f"(구.{offer.former_name})" if offer.former_name else ""), quote=False)


def _schedule_row(offer: Offer, day: date, position: int) -> str:
    start, end = offer.subscription
    color = "#333333" if offer.is_over(day) else "#E3231E" if offer.is_open(day) else "#0066CC"
    days = f"{start:%Y.%m.%d}~{end:%Y.%m.%d}" if start.year != end.year and position % 2 else f"{start:%Y.%m.%d}~{end:%m.%d}"
    price = f"{offer.price:,}" if offer.is_priced(day) else "-"
    rate = offer.note or (f"{offer.subscription_rate:,}:1" if offer.is_over(day) else "")
    link = f"/html/fund/?o=v&amp;no={offer.site_no}&amp;l=&amp;page=1"
    brokers = (", " if position % 3 == 0 else ",").join(share.broker for share in offer.shares)
    return (
        f"<tr bgcolor='{'#F8F8F8' if position % 2 else '#FFFFFF'}'>\n"
        f"<td height='30'> &nbsp;<a href=\"{link}\"><font color='{color}'>{full_name(offer)}</font></a>{_MARK if offer.is_kospi else ''}</td>\n"
        f"<td> {days} </td>\n<td align='center'>{price} </td>\n<td align='center'>{offer.band[0]:,}~{offer.band[1]:,} </td>\n"
        f"<td align='center'>{rate} </td>\n<td>{brokers}\t</td>\n"
        f'<td align=center><a href="/html/fund/index.htm?o=v&amp;no={offer.site_no}&amp;l=&amp;page=1"><img alt=\'분석보기\' src="/x.gif"></a></td>\n</tr>'
    )


def _forecast_row(offer: Offer, day: date) -> str:
    is_done = offer.is_forecast_done(day)
    lockup = f"{offer.lockup_pct}%" if is_done and any(offer.lockups) else "-"
    brokers = ",".join(share.broker.removesuffix("증권") for share in offer.shares)
    return (
        f'<tr><td>&nbsp;<a href="./?o=v&no={offer.site_no}&l=&page=1" class="menu">{full_name(offer)}</a></td><td>{offer.forecast[1]:%Y.%m.%d}</td>'
        f"<td>{offer.band[0]:,}~{offer.band[1]:,}</td><td>{f'{offer.price:,}' if offer.is_priced(day) else '-'}</td><td>{offer.amount(day):,}</td>"
        f"<td>{f'{offer.institution_rate:,}:1' if is_done else ''}</td><td>{lockup}</td><td>{brokers}</td></tr>\n{_LINE.format(8)}"
    )


def _listing_row(offer: Offer, day: date) -> str:
    name = f'<td><a href="./?o=v&no={offer.site_no}">{full_name(offer)}</a>{_MARK if offer.is_kospi else ""}</td><td>{offer.listing:%Y/%m/%d}</td>'
    if not offer.is_listed(day):
        return f"<tr>{name}<td>-</td><td>%</td><td>{offer.price:,}</td><td>%</td><td>-</td><td>%</td><td>예정</td></tr>"
    close, before = offer.close(day), offer.close(day - timedelta(days=1)) if day > offer.listing else offer.price
    first = "상장" if day == offer.listing else f"{offer.close(offer.listing):,}"
    return (
        f"<tr>{name}<td>{close:,}</td><td>{_percent(close, before)}%</td><td>{offer.price:,}</td><td>{_percent(close, offer.price)}%</td>"
        f"<td>{offer.open_price:,}</td><td>{_percent(offer.open_price, offer.price)}%</td><td>{first}</td></tr>"
    )


def _percent(value: int, base: int) -> str:
    return f"{(value / base - 1) * 100:.2f}"
