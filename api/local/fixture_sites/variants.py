"""What can happen to a page on its way: variants that tests ask for."""

import re
from typing import Literal, get_args

Variant = Literal[
    "normal", "empty", "missing_cells", "changed_structure", "broken_encoding", "huge", "cut_off", "moved_dates", "unavailable"
]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

_HUGE = 12 * 1024 * 1024
_EVERY = 14
_TBODY = re.compile(r"<tbody>.*?</tbody>", re.DOTALL)
_ROW = re.compile(r"<tr[ >].*?</tr>", re.DOTALL)
_RENAMED = (
    ("확정공모가 ", "공모가격 "), ("공모주 청약일정", "청약 일정표"), ('summary="공모청약일정"', 'summary="청약일정"'), ("공모희망가(원)", "희망가(원)"),
    ("첫날<br/>종가(원)", "종가(원)"), ("themeIdx=", "theme="), ("시가총액", "시총"), ("유저점수", "점수"),
)  # fmt: skip


def spoil(page: str, variant: Variant, encoding: str) -> bytes:
    """The page's bytes, spoiled as the variant says; ``moved_dates`` and ``unavailable`` are not a page's doing."""
    match variant:
        case "empty":
            page = _TBODY.sub("<tbody></tbody>", page)
            page = re.sub(r'<a href="[^"]*themeIdx=[^"]*".*?</a>', "", page)
        case "missing_cells":
            page = _TBODY.sub(lambda body: _without_cells(body[0]), page)
            page = re.sub(r"<Tr> <td align=center>환불일</td>.*?</tr>", "", page)
        case "changed_structure":
            for before, after in _RENAMED:
                page = page.replace(before, after)
    body = page.encode(encoding, "replace")
    if variant == "broken_encoding":
        # the byte before the end of every third name: half a letter
        count = 0
        parts = body.split(b"</font></a>")
        for number in range(0, len(parts) - 1, 3):
            parts[number] = parts[number][:-1] + b"\xff"
            count += 1
        body = b"</font></a>".join(parts) if count else body.replace("테마주".encode(encoding), b"\xed\x85\xff\xff", 1)
    if variant == "cut_off":
        body = body[: len(body) // 2]
    if variant == "huge":
        body += b"<!--" + b"x" * _HUGE + b"-->"
    return body


def _without_cells(body: str) -> str:
    """Every 14th row, from the seventh on, without its third cell."""
    rows = 0

    def cut(match: re.Match[str]) -> str:
        nonlocal rows
        rows += 1
        cells = re.findall(r"<t[dh].*?</t[dh]>", match[0], re.DOTALL)
        return match[0].replace(cells[2], "", 1) if rows % _EVERY == 7 and len(cells) > 2 else match[0]

    return _ROW.sub(cut, body)
