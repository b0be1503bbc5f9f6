"""What ``lucy up`` shows: its own steps, and the lines of its children with the name of each in front."""

import contextlib
import sys
from collections.abc import Mapping
from typing import TextIO

_WIDTH = 8
_COLORS: Mapping[str, str] = {"api": "36", "worker": "35", "sandbox": "33", "spa": "34", "seed": "32", "lucy": "1;32"}
_RED = "31"


class Console:
    """Writes lines; colored on a terminal."""

    def __init__(self, stream: TextIO | None = None, *, color: bool | None = None) -> None:
        self._stream = stream or sys.stdout
        self.has_color = self._stream.isatty() if color is None else color

    def step(self, text: str) -> None:
        """Something that ``lucy up`` itself does."""
        self.line("lucy", text)

    def warn(self, text: str) -> None:
        """Something that the reader should see."""
        self.line("lucy", self._paint(text, _RED))

    def line(self, name: str, text: str) -> None:
        """One line of a child. A reader who went away (``lucy up | head``) is no reason to end."""
        prefix = self._paint(f"{name:<{_WIDTH}}│", _COLORS.get(name, "37"))
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(f"{prefix} {text}\n")
            self._stream.flush()

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self.has_color else text
