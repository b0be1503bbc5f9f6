"""Routes of pages that could not be read, for admins."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from api.auth.principal import Principal
from api.errors import Forbidden, NotFound
from api.problems import problems
from api.sites.raw_pages import RawPages
from api.sites.schemas import RawPageList

_BYTES = "application/octet-stream"


class RawPageController(Controller):
    """Pages of the scraped sites that a job could not read, kept as they came."""

    path = "/raw-pages"
    tags = ["jobs"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listRawPages", summary="List unreadable pages (admin)", responses=problems(401, 403))
    async def list_pages(self, principal: NamedDependency[Principal], raw_pages: NamedDependency[RawPages]) -> RawPageList:
        """The newest 20 of each site; the error of the run that met one names it as `raw_page_id`."""
        _require_admin(principal)
        return RawPageList(items=await raw_pages.list_all(), next_cursor=None)

    @get(
        "/{page:str}",
        operation_id="getRawPage",
        summary="One unreadable page (admin)",
        media_type=_BYTES,
        responses=problems(401, 403, 404),
    )
    async def get_page(
        self,
        page: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the page.")],
        principal: NamedDependency[Principal],
        raw_pages: NamedDependency[RawPages],
    ) -> Response[bytes]:
        """The bytes as the site sent them. A file to save, never a page to show: it is somebody else's."""
        _require_admin(principal)
        body = await raw_pages.body(page)
        if body is None:
            raise NotFound("There is no such page.")
        return Response(body, media_type=_BYTES, headers={"Content-Disposition": f'attachment; filename="{page}.bin"'})


def _require_admin(principal: Principal) -> None:
    if not principal.is_admin:
        raise Forbidden("Only admins may see the pages.")
