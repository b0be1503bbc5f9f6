"""LS's blocks field by field, as templates with default values: ``wire.json`` holds them in the order in which LS sends them.

A handler copies a template with the values it knows (``TEMPLATES["t0425OutBlock1"] | {...}``), so no field is ever missing.
Integers are JSON numbers, decimals JSON strings; in the notices (SC0, SC1, S3_) every value is a string. SC1's layout serves SC1 to SC4.

Sources: LS's guide pages and RES layouts (SC0: 113 fields, SC1 to SC4: 130), live frames of the real server of 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

import msgspec

from ..session import KST

Block = dict[str, Any]

TEMPLATES: Mapping[str, Block] = msgspec.json.decode(files(__package__).joinpath("wire.json").read_bytes(), type=dict[str, Block])
"""Block name (``SC0``, ``SC1``, ``S3_`` for the notices) → its fields with default values. Copy, never change."""


def clock_text(at: datetime) -> str:
    """HHMMSSmmm in KST, the form of ``OrdTime`` and ``exectime``."""
    local = at.astimezone(KST)
    return f"{local:%H%M%S}{local.microsecond // 1000:03d}"


def day_text(at: datetime) -> str:
    """YYYYMMDD in KST."""
    return f"{at.astimezone(KST):%Y%m%d}"


def decimal_text(value: float, places: int = 2) -> str:
    """A decimal as LS sends it: a string, not padded in front."""
    return f"{value:.{places}f}"
