"""Job: read the themes of 주달 and the stocks in them.

Every page is read and understood before anything is stored, and what is stored shows from one write on. So a page that has changed, or a
worker that dies in the middle, leaves what was there before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec

from api.bootstrap import Services, new_id
from api.kit.clock import kst_day
from api.themes.rows import Member, Reading, StockRow, ThemeRow
from worker.jobs.notes import RunNotes
from worker.sites.addresses import judal_address
from worker.sites.errors import StructureChanged
from worker.sites.fetch import SiteClient, open_site
from worker.sites.judal.pages import home_path, theme_list_path, theme_path
from worker.sites.judal.rows import StockList, ThemeFigures, ThemeLink, ThemeStock
from worker.sites.judal.stocks import MOST_BAD, parse_stock_list
from worker.sites.judal.themes import parse_side_bar, parse_theme_list
from worker.sites.reading import PageWarning
from worker.sites.whole import require_whole

SITE = "judal"

_KRW_100M = 100_000_000
_MOST_WARNINGS = 3
"""Of one page that are told."""

_MOST_BAD_OF_A_PAGE, _FEWEST_BAD_OF_A_PAGE = 0.5, 3
"""Many themes have few stocks, and one without a price is no changed page; all rows together are judged by the parser's own measure."""

Parsed = TypeVar("Parsed")


async def scrape_themes(services: Services, notes: RunNotes) -> None:
    """Read the site and store the reading as today's.

    Raises:
        StructureChanged: A page is not the one we know; it is kept, its id in ``extra``; nothing was stored.
        SiteUnavailable, PageTooLarge: The site failed; nothing was stored.
    """
    async with open_site(judal_address(services.settings), services.clock) as site:
        await _Run(services, site, notes).run()


class _Run:
    def __init__(self, services: Services, site: SiteClient, notes: RunNotes) -> None:
        self._themes = services.theme_repository
        self._raw_pages = services.raw_pages
        self._clock = services.clock
        self._site = site
        self._notes = notes

    async def run(self) -> None:
        side_bar = await self._page(home_path(), parse_side_bar)
        listed = await self._page(theme_list_path(), parse_theme_list)
        figures = {each.theme_idx: each for each in listed.themes}
        pages: dict[ThemeLink, StockList] = {}
        for done, link in enumerate(side_bar.themes):
            self._notes.progress(done, len(side_bar.themes))
            pages[link] = await self._page(theme_path(link.theme_idx), partial(_parse_stocks, promised=link.stock_count))
        _judge(pages.values())
        themes, stocks = await self._with_unread(pages, figures)
        await self._store(themes, stocks)
        self._notes.progress(len(side_bar.themes), len(side_bar.themes))

    async def _with_unread(
        self, pages: Mapping[ThemeLink, StockList], figures: Mapping[int, ThemeFigures]
    ) -> tuple[Sequence[ThemeRow], Sequence[StockRow]]:
        """Rows to store. A stock whose row cannot be read today is not gone: it stays in its themes, as it was last read."""
        unread = {row.symbol for page in pages.values() for row in page.unread if row.symbol is not None}
        newest = await self._themes.newest()
        known = {} if newest is None or not unread else {row.symbol: row for row in await self._themes.stocks(newest.id, {})}
        found: dict[str, ThemeStock] = {}
        theme_idxs: dict[str, list[int]] = {}
        themes = []
        for link, page in pages.items():
            if page.unread:
                self._notes.count("unreadable", len(page.unread))
                self._notes.log(f"{link.name} (themeIdx={link.theme_idx}): {len(page.unread)} rows cannot be read")
            members = [Member(symbol=stock.symbol, reason=stock.reason) for stock in page.stocks]
            members += [Member(symbol=row.symbol, reason=None) for row in page.unread if row.symbol in known and row.symbol is not None]
            for stock in page.stocks:
                found.setdefault(stock.symbol, stock)
            for member in members:
                theme_idxs.setdefault(member.symbol, []).append(link.theme_idx)
            themes.append(_theme(link, figures.get(link.theme_idx), page, members))
        rows = [_stock(stock, theme_idxs[symbol]) for symbol, stock in found.items()]
        for symbol in sorted(theme_idxs.keys() - found.keys()):
            rows.append(_moved(known[symbol], theme_idxs[symbol]))
        return themes, rows

    async def _store(self, themes: Sequence[ThemeRow], stocks: Sequence[StockRow]) -> None:
        now = self._clock.now()
        reading = Reading(id=new_id(), day=kst_day(now), at=now, theme_count=len(themes), stock_count=len(stocks))
        await self._themes.drop_unfinished()
        await self._themes.add_rows(reading.id, themes, stocks)
        await self._themes.finish(reading)
        self._notes.count("themes", len(themes))
        self._notes.count("members", sum(len(theme.members) for theme in themes))
        self._notes.count("stocks", len(stocks))

    async def _page(self, path: str, parse: Callable[..., Parsed]) -> Parsed:
        page = await self._site.get(path)
        body = page.body or b""
        try:
            content = parse(require_whole(body, page.url), url=page.url)
        except StructureChanged as error:
            error.extra["raw_page_id"] = await self._raw_pages.keep(SITE, page.url, body, str(error), self._clock.now())
            raise
        warnings: Sequence[PageWarning] = getattr(content, "warnings", ())
        for warning in warnings[:_MOST_WARNINGS]:
            self._notes.log(f"{path}: {warning.where} {warning.field}: {warning.text}")
        return content


_parse_stocks = partial(parse_stock_list, most_bad=_MOST_BAD_OF_A_PAGE, fewest_bad=_FEWEST_BAD_OF_A_PAGE)


def _judge(pages: Collection[StockList]) -> None:
    """Raises `StructureChanged` where too many rows of all pages together lack symbol or price."""
    total = sum(len(page.stocks) + len(page.unread) for page in pages)
    bad = sum(len(page.unread) + sum(stock.price is None for stock in page.stocks) for page in pages)
    if bad > MOST_BAD * total:
        raise StructureChanged("rows with symbol and price on the themes' pages", f"{bad} of {total} without")


def _theme(link: ThemeLink, figures: ThemeFigures | None, page: StockList, members: Sequence[Member]) -> ThemeRow:
    """Figures of the list of themes, and of the theme's own page where the list lacks them."""
    head = page.head

    def number(name: str) -> float | None:
        listed = getattr(figures, name, None)
        return _number(listed if listed is not None else getattr(head, name, None))

    listed_neglect = None if figures is None else figures.neglect_52w
    return ThemeRow(
        theme_idx=link.theme_idx,
        name=link.name,
        description=None if figures is None else figures.description,
        change_pct=number("change_pct"),
        change_3d_pct=number("change_3d_pct"),
        rise_52w_pct=number("rise_52w_pct"),
        fall_52w_pct=number("fall_52w_pct"),
        neglect_52w=head.neglect_index if listed_neglect is None else listed_neglect,
        rise_3y_pct=number("rise_3y_pct"),
        fall_3y_pct=number("fall_3y_pct"),
        neglect_3y=None if figures is None else figures.neglect_3y,
        theme_index_3y=head.theme_index_3y,
        expected_return_pct=number("expected_return_pct"),
        user_score=number("user_score"),
        members=members,
    )


def _stock(stock: ThemeStock, theme_idxs: Sequence[int]) -> StockRow:
    return StockRow(
        symbol=stock.symbol,
        name=stock.name,
        market=stock.market,
        price=stock.price,
        change=stock.change,
        change_pct=_number(stock.change_pct),
        change_3d_pct=_number(stock.change_3d_pct),
        high_52w=stock.high_52w,
        low_52w=stock.low_52w,
        from_high_52w_pct=_number(stock.from_high_52w_pct),
        from_low_52w_pct=_number(stock.from_low_52w_pct),
        neglect_52w=stock.neglect_52w,
        neglect_3y=stock.neglect_3y,
        price_index_3y=stock.price_index_3y,
        expected_return_pct=_number(stock.expected_return_pct),
        pbr=_number(stock.pbr),
        per=_number(stock.per),
        eps=stock.eps,
        market_cap=None if stock.market_cap_krw_100m is None else stock.market_cap_krw_100m * _KRW_100M,
        volume_index_day_pct=_number(stock.volume_index_day_pct),
        volume_index_7d_pct=_number(stock.volume_index_7d_pct),
        buffett_rank=stock.buffett_rank,
        theme_idxs=theme_idxs,
    )


def _moved(row: StockRow, theme_idxs: Sequence[int]) -> StockRow:
    return msgspec.structs.replace(row, theme_idxs=theme_idxs)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
