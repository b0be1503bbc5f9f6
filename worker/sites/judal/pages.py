"""Addresses of 주달's pages, which are UTF-8."""


def home_path() -> str:
    """The main page; its side bar names every theme."""
    return "/"


def theme_list_path(order: str = "") -> str:
    """The table of themes; ``order`` is a ``type`` of the site's, such as ``changeRateDesc``."""
    return "/?view=themeList" + (f"&type={order}" if order else "")


def theme_path(theme_idx: int) -> str:
    """All stocks of one theme, on one page."""
    return f"/?view=stockList&themeIdx={theme_idx}"


def stock_list_path(order: str, page: int = 1) -> str:
    """A list of stocks over all themes, such as ``marketCapDesc``; paged."""
    return f"/?view=stockList&type={order}" + (f"&market=&themeIdx=&page={page}" if page > 1 else "")


def decode(page: bytes | str) -> str:
    """The page's text; what is not UTF-8 becomes U+FFFD."""
    return page if isinstance(page, str) else page.decode("utf-8", "replace")
