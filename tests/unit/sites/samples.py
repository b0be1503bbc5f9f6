"""The worked examples: small pages with the real sites' structure and invented content, and ways to change them."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "pages"


def sample(name: str) -> str:
    """A page as text."""
    return (_FOLDER / f"{name}.html").read_text(encoding="utf-8")


def sample38(name: str) -> bytes:
    """A page of 38 as the site sends it."""
    return sample(name).encode("cp949")


def changed(page: str, *pairs: tuple[str, str]) -> str:
    """The page with pieces replaced; each piece must stand in it."""
    for before, after in pairs:
        assert before in page, before
        page = page.replace(before, after)
    return page
