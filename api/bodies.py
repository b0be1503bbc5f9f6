"""Request bodies: JSON that calls itself JSON, and strictly of the type that the route declares.

Litestar converts leniently, as the words of a query need: in a body ``"10"`` would pass as 10 and ``"true"`` as true. An order says what
it means or is refused. Price: a client that writes whole numbers as ``10.0`` is refused too, with the field named.
"""

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, HTTPException, ValidationException

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_CSV = re.compile(r"text/csv\s*(?:;.*)?", re.IGNORECASE)
_WHERE = re.compile(r"^(?P<message>.*) - at `\$\.?(?P<field>.*)`$", re.DOTALL)
"""How msgspec tells of the place: ``Expected `int`, got `str` - at `$.quantity```."""


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is read as the handler's ``data``, once, and only if it fits."""

    async def json(self) -> Any:
        """The body as the type that the handler declares.

        Raises:
            HTTPException: 415, the body calls itself something else; a request without a Content-Type may be JSON.
            ClientException: 400, it is no JSON.
            ValidationException: 422, it does not fit; ``extra`` names the field.
        """
        declared = self.route_handler.parsed_data_field
        return await self.read_json(Any if declared is None else declared.annotation)

    @property
    def is_csv(self) -> bool:
        """Whether the body calls itself CSV."""
        return _CSV.fullmatch(self.headers.get("content-type", "").strip()) is not None

    async def read_json(self, kind: Any) -> Any:
        """The body as a value of this type; raises as `json`."""
        content_type = self.headers.get("content-type", "")
        if content_type and not _JSON.fullmatch(content_type.strip()):
            raise HTTPException(f"Send JSON with 'Content-Type: application/json', not {content_type[:60]!r}.", status_code=415)
        try:
            return msgspec.json.decode(await self.body(), type=kind)
        except msgspec.ValidationError as error:
            found = _WHERE.match(str(error))
            entry = {"key": "data", "message": str(error)} if found is None else {"key": found["field"], "message": found["message"]}
            raise ValidationException(extra=[entry]) from error
        except msgspec.DecodeError as error:
            raise ClientException(str(error)) from error
