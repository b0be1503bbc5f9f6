"""Constrained values shared by all wire types: one definition each, with description and example for the OpenAPI schema."""

from typing import Annotated

from msgspec import Meta

Symbol = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Z]{6}$",
        description="Short code of a listed stock, ETF or ETN: 6 characters, digits and, in newer listings, letters.",
        examples=["005930"],
    ),
]
Shares = Annotated[int, Meta(gt=0, le=9_999_999_999, description="Number of shares.", examples=[10])]
Won = Annotated[int, Meta(gt=0, le=9_999_999_999_999, description="Price of one share in KRW won.", examples=[71_000])]
ClientOrderId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[\x21-\x7e]+$",
        description="The client's own id of the order (FIX ClOrdID 11), unique per account: a repeat never places a second order.",
        examples=["desk-1-0001"],
    ),
]
ObjectIdText = Annotated[str, Meta(pattern=r"^[0-9a-f]{24}$", description="Id of a resource.", examples=["6650f1c2a4b3c2d1e0f9a8b7"])]
