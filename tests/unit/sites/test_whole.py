"""Half pages."""

import pytest

from api.local.fixture_sites.server import FixtureSites
from worker.sites.errors import StructureChanged
from worker.sites.whole import require_whole

PAGE = FixtureSites().page38("k", 1, 0).encode("cp949", "replace")


def test_a_whole_page_is_one() -> None:
    assert require_whole(PAGE, "") is PAGE
    assert require_whole(b"<TABLE><tr><td>1</TABLE>", "")
    assert require_whole(b"", "") == b""  # the parser says what it misses


@pytest.mark.parametrize("part", [0.3, 0.5, 0.8, 0.95])
def test_a_page_that_breaks_off_is_none(part: float) -> None:
    with pytest.raises(StructureChanged, match="break off"):
        require_whole(PAGE[: int(len(PAGE) * part)], "http://38.example/")
