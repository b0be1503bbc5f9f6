"""주달's pages in both generations of markup: until mid 2026 (``old``) and since October 2026 (``new``)."""

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Literal

from api.local.fixture_sites.themes import Stock, Theme, neglect

Markup = Literal["old", "new"]

_STOCK_HEADERS = (
    "종목명", "현재가격", "전일비", "3일합산", "52주<br>최고최저", "52주<br>변동률", "52주<br>소외지수", "3년<br>최고최저", "3년<br>변동률",
    "3년<br>소외지수", "3년<br>주가지수", "기대수익률", "PBR", "PER", "EPS", "시가총액", "당일<br>거래량지수", "최근7일<br>거래량지수", "버핏초이스",
    "관련테마", "업데이트",
)  # fmt: skip
_THEME_HEADERS = (
    "테마명", "전일비", "3일합산", "52주<br>상승률", "52주<br>하락률", "52주<br>소외지수", "3년<br>상승률", "3년<br>하락률", "3년<br>소외지수",
    "기대수익률", "유저점수", "테마차트(90일)", "업데이트", "테마토크",
)  # fmt: skip
_TABS = (
    ("themeList", "changeRateDesc", "상승중인 테마"),
    ("themeList", "neglectRateHot", "현재 핫한 테마"),
    ("stockList", "PERAsc", "PER 낮은 종목"),
)
_ITEM = "list-group-item list-group-item-action list-group-item-sub px-4 py-0"
_TABLE = '<table class="table table-sm table-bordered table-hover align-middle small">'


def home(themes: Sequence[Theme], markup: Markup) -> str:
    """The main page."""
    return _page("주달 - 주식의 달인", themes, markup, "<h1>주달</h1><p>차단 없이 누구나</p>")


def theme_list(themes: Sequence[Theme], order: str, markup: Markup) -> str:
    """``?view=themeList``."""
    ordered = sorted(themes, key=lambda theme: theme.mean("change"), reverse=order != "changeRateAsc")
    rows = "\n".join(_theme_row(theme) for theme in ordered)
    head = "".join(f"<th>{text}</th>" for text in _THEME_HEADERS)
    return _page(
        "테마 목록 - 주달", themes, markup, f"<h1>테마 목록</h1>{_TABLE}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    )


def theme_page(theme: Theme, themes: Sequence[Theme], markup: Markup) -> str:
    """``?view=stockList&themeIdx=N``."""
    name = escape(theme.name)
    figures = (
        f"<div>전일비: {theme.mean('change'):.2f}%</div><div>3일합산: {theme.mean('three_days'):.2f}%</div>"
        f"<div>52주 상승률: {theme.mean('rise'):.2f}%</div><div>52주 하락률: {theme.mean('fall'):.2f}%</div>"
        f"<div>기대 수익률: {theme.mean('expected'):.2f}%</div><div>소외지수: {theme.neglect}</div>"
        + (f"<div>3년 테마지수: {max(0, theme.neglect - 5)}</div>" if markup == "new" else "")
        + "<div>업데이트: 3분 전</div>"
    )
    content = f'<h1 class="fs-5">{name} 테마주</h1>{figures}\n{_stock_table(theme.stocks, themes, markup)}'
    return _page(f"{name} 테마주 관련주 {len(theme.stocks)}종목 정리 - 주달", themes, markup, content)


def stock_list(stocks: Sequence[Stock], themes: Sequence[Theme], markup: Markup, kind: str, day: date) -> str:
    """``?view=stockList&type=…``; lists of who buys and sells have one more column in front."""
    is_flow = kind in ("fundBuy", "fundSell", "foreignerBuy", "foreignerSell")
    base = f"<div>기준일: {day}</div>" if is_flow else ""
    return _page("종목 목록 - 주달", themes, markup, f"<h1>종목 목록</h1>{base}{_stock_table(stocks, themes, markup, is_flow=is_flow)}")


def _page(title: str, themes: Sequence[Theme], markup: Markup, content: str) -> str:
    bar = _new_side_bar(themes) if markup == "new" else _old_side_bar(themes)
    return (
        f'<!DOCTYPE html>\n<html lang="ko"><head><meta charset="utf-8"><title>{title}</title></head><body>\n{bar}\n<main>{content}</main>\n'
        "<footer>로그인이 차단되었습니다 안내</footer></body></html>\n"
    )


def _old_side_bar(themes: Sequence[Theme]) -> str:
    tabs = "\n".join(
        f'<a href="https://www.judal.co.kr/?view={view}&type={kind}" class="{_ITEM}"><span>{text}</span></a>' for view, kind, text in _TABS
    )
    links = "\n".join(
        f'<a href="https://www.judal.co.kr/?view=stockList&themeIdx={theme.index}" class="{_ITEM}"><span>{escape(theme.name)}({len(theme.stocks)})</span></a>'
        for theme in themes
    )
    heading = '<div class="list-group-item list-group-item-action disabled">{}</div>'
    return f'<div class="list-group">\n{heading.format("테마별")}\n{tabs}\n{heading.format("전체 테마")}\n{links}\n</div>'


def _new_side_bar(themes: Sequence[Theme]) -> str:
    def item(theme: Theme, attributes: str) -> str:
        link = f"https://www.judal.co.kr/?view=stockList&themeIdx={theme.index}"
        return f'<li{attributes}><a href="{link}">{escape(theme.name)}<span>({len(theme.stocks)})</span></a></li>'

    tab = "\n".join(
        item(theme, f' data-cat="{"neg" if theme.neglect < 30 else "mid"}" data-score="{theme.neglect}"') for theme in themes[::2]
    )
    everything = "\n".join(item(theme, f' data-order="{number}" class="hide"') for number, theme in enumerate(themes))
    return f"<ul>\n{tab}\n</ul><ul>\n{everything}\n</ul>"


def _theme_row(theme: Theme) -> str:
    link = f"https://www.judal.co.kr/?view=stockList&themeIdx={theme.index}"
    figures = [
        f"{theme.mean('change'):.2f}%", f"{theme.mean('three_days'):.2f}%", f"{theme.mean('rise'):.2f}%", f"{theme.mean('fall'):.2f}%",
        f"{theme.neglect}", f"{theme.mean('rise') * 1.5:.2f}%", f"{theme.mean('fall') * 1.2:.2f}%", f"{max(0, theme.neglect - 5)}",
        f"{theme.mean('expected'):.2f}%", f"{theme.index % 50}", "<canvas></canvas>", "3분 전",
    ]  # fmt: skip
    cells = "".join(f"<td>{figure}</td>" for figure in figures)
    return (
        f'<tr><th scope="row" class="table-success"><a href="{link}"><b>{escape(theme.name)}</b></a>'
        f'<button data-bs-toggle="tooltip" title="{_twice(theme.description)}">Information</button></th>{cells}'
        f'<td><a href="?view=themeTalk&themeIdx={theme.index}" title="{escape(theme.name)} 테마토크">0</a></td></tr>'
    )


def _stock_table(stocks: Sequence[Stock], themes: Sequence[Theme], markup: Markup, *, is_flow: bool = False) -> str:
    headers = (("매매금액",) if is_flow else ()) + _STOCK_HEADERS
    related: dict[str, list[Theme]] = {}
    for theme in themes:
        for stock in theme.stocks:
            related.setdefault(stock.symbol, []).append(theme)
    rows = "\n".join(_stock_row(stock, related.get(stock.symbol, []), markup, number, is_flow) for number, stock in enumerate(stocks))
    return f"{_TABLE}<thead><tr>{''.join(f'<th>{text}</th>' for text in headers)}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"


def _stock_row(stock: Stock, related: Sequence[Theme], markup: Markup, number: int, is_flow: bool) -> str:
    price = stock.price
    names = " ".join(
        f'<a href="?view=stockList&themeIdx={theme.index}" class="btn btn-outline-success">{escape(theme.name)}</a>' for theme in related
    )
    figures = [
        f"{price:,}<br>{stock.change:,}", f"{100 * stock.change / (price - stock.change):.2f}%", f"{stock.change_3d_pct:.2f}%",
        *_between(price, stock.year), *_between(price, stock.years), f"{round(100 * price / stock.years[0])}",
        f"{100 * (stock.year[0] / price - 1):.2f}%", f"{stock.pbr:.2f}", f"{price / stock.eps:.2f}" if stock.eps > 0 else "", f"{stock.eps:,}",
        _cap(stock.market_cap), f"{stock.volume_day:.2f}%", f"{stock.volume_week:.1f}%", f"{stock.buffett} 위" if stock.buffett else "", names, "3분 전",
    ]  # fmt: skip
    first = f"<td>{number * 3 + 1}억원<br>{number % 7 + 1}일연속</td>" if is_flow else ""
    cells = "".join(f"<td>{figure}</td>" for figure in figures)
    return f'<tr style="border-color:#bcd0c7 !important">{first}{_name_cell(stock, markup)}\n{cells}</tr>'


def _name_cell(stock: Stock, markup: Markup) -> str:
    name = f"<b style='font-size:.95em'>{escape(stock.name)}</b><br/>"
    reason, symbol = _twice(stock.reason), stock.symbol
    if markup == "old":
        link = f'<a href="https://finance.naver.com/item/main.nhn?code={symbol}" class="btn">{name}<span style="color:#555">{stock.market} {symbol}</span></a>'
        return f'<th scope="row" class="table-success text-left">{link}\n <button data-bs-toggle="tooltip" title="{reason}">i</button></th>'
    link = f'<a href="https://stock.naver.com/domestic/stock/{symbol}/price" target="_blank" role="button" class="btn p-0">{name}<span>{stock.market} {symbol}</span></a>'
    button = f'<button data-bs-toggle="tooltip" title="" data-bs-original-title="{reason}">i</button>' if reason else ""
    return f'<th scope="row" class="table-success text-start">{link}{button}</th>'


def _between(price: int, ends: tuple[int, int]) -> tuple[str, str, str]:
    high, low = ends
    return (
        f"{high:,}<br>{low:,}",
        f"{100 * (price / high - 1):.2f}%<br>{100 * (price / low - 1):.2f}%",
        f"{neglect(price, ends)}",
    )


def _cap(amount: int) -> str:
    """Hundreds of millions of won: ``9조<br>8176억원``."""
    trillions, rest = divmod(amount, 10_000)
    return f"{trillions}조<br>{rest}억원" if trillions else f"{rest}억원"


def _twice(text: str) -> str:
    return escape(escape(text))
