"""New listings: ``/html/fund/index.htm?o=nw&page=N``."""

from worker.sites.reading import Reading
from worker.sites.site38.lists import RowReader, read_list
from worker.sites.site38.rows import ListingPage, NewListing
from worker.sites.text import parse_date, parse_percent, parse_won

_NAME, _DAY, _CURRENT, _CHANGE, _OFFER = "기업명", "신규상장일", "현재가(원)", "전일비(%)", "공모가(원)"
_RETURN, _OPEN, _OPEN_RETURN, _CLOSE = "공모가대비등락률(%)", "시초가(원)", "시초/공모(%)", "첫날종가(원)"


def parse_listings(html: bytes | str, *, page: int = 1, url: str = "") -> ListingPage:
    """Read one page of new listings; rows of coming ones have no prices yet.

    Raises:
        StructureChanged: The page is not the one we know.
    """
    reading = Reading()
    content = read_list(
        html,
        summary="신규상장종목",
        headers=((_NAME, "종목명"), _DAY, _CURRENT, _CHANGE, _OFFER, _RETURN, _OPEN, _OPEN_RETURN, _CLOSE),
        build=_build,
        has_values=lambda row: (row.offer_price, row.current_price, row.listing_date) != (None, None, None),
        page=page,
        url=url,
        reading=reading,
    )
    return ListingPage(rows=content.rows, unread=content.unread, last_page=content.last_page, warnings=reading.warnings)


def _build(row: RowReader) -> NewListing:
    listing_date = row.value(parse_date, _DAY, "listing_date")
    current_price = row.value(parse_won, _CURRENT, "current_price")
    change = row.value(parse_percent, _CHANGE, "change_pct")
    offer_price = row.value(parse_won, _OFFER, "offer_price")
    offer_return = row.value(parse_percent, _RETURN, "return_pct")
    open_price = row.value(parse_won, _OPEN, "open_price")
    open_return = row.value(parse_percent, _OPEN_RETURN, "open_return_pct")
    first_close = row.value(parse_won, _CLOSE, "first_close")
    return NewListing(
        **row.common(),
        listing_date=listing_date,
        current_price=current_price,
        change_pct=change,
        offer_price=offer_price,
        return_pct=offer_return,
        open_price=open_price,
        open_return_pct=open_return,
        first_close=first_close,
    )
