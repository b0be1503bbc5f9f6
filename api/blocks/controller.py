"""Routes of block orders and allocation reports."""

from datetime import date
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter

from api.auth.principal import Principal
from api.blocks.report import AllocationReport, as_csv, as_xlsx
from api.blocks.schemas import BlockOrder, BlockPage, BlockPreview, PlaceBlock, ReplaceBlock
from api.blocks.service import BlockService
from api.errors import InvalidRequest
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import answers, problems

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the block.")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_CSV = "text/csv"
_DAY = QueryParameter(description="KST trading day.")


class BlockController(Controller):
    """One decision, divided over funds and accounts."""

    path = "/block-orders"
    tags = ["funds"]  # noqa: RUF012 - Litestar declares it so

    @post(
        "/preview",
        operation_id="previewBlock",
        summary="What a block would do",
        status_code=200,
        responses=problems(400, 401, 403, 404, 422, 503),
    )
    async def preview(
        self, data: JSONBody[PlaceBlock], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> BlockPreview:
        """The split, money needed, fee, and what does not fit; nothing is stored or sent."""
        return await block_service.preview(principal, data)

    @post(
        operation_id="placeBlock",
        summary="Place a block",
        responses=answers(BlockOrder, 200) | problems(400, 401, 403, 404, 409, 422, 429, 502, 503),
    )
    async def place(
        self,
        data: JSONBody[PlaceBlock],
        principal: NamedDependency[Principal],
        block_service: NamedDependency[BlockService],
        idempotency_key: Annotated[
            str | None,
            HeaderParameter(name="Idempotency-Key", max_length=64, description="A synonym of client_order_id, for clients that prefer it."),
        ] = None,
    ) -> Response[BlockOrder]:
        """Divide, store, and send one order an account, side by side; each part tells its own outcome.

        The same ``client_order_id`` again (200) doubles nothing: on the same day it sends parts that certainly never left, where the plan
        keeps the rest of a block of which a part is refused. The orders of the parts are
        ordinary ones; their events come as any order's, and a `block_order` event tells of the whole.
        """
        if idempotency_key is not None:
            if data.client_order_id not in (None, idempotency_key):
                raise InvalidRequest("Idempotency-Key and client_order_id differ.")
            data = msgspec.convert(msgspec.to_builtins(data) | {"client_order_id": idempotency_key}, PlaceBlock)
        block, is_new = await block_service.place(principal, data)
        headers = {} if is_new else {"Idempotent-Replayed": "true"}
        return Response(BlockOrder.of(block), status_code=201 if is_new else 200, headers=headers)

    @get(operation_id="listBlocks", summary="List blocks", responses=problems(400, 401, 404, 422))
    async def list_blocks(
        self,
        principal: NamedDependency[Principal],
        block_service: NamedDependency[BlockService],
        fund_id: Annotated[str | None, QueryParameter(pattern=r"^[0-9a-f]{24}$")] = None,
        day: Annotated[date | None, QueryParameter(description="KST trading day.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")] = None,
    ) -> BlockPage:
        """Blocks of which the caller may see every fund and account, newest first."""
        blocks = await block_service.list_page(
            principal, fund_id=fund_id, day=None if day is None else day.isoformat(), limit=limit, before_id=decode_cursor(cursor)
        )
        return BlockPage(
            items=[BlockOrder.of(block) for block in blocks[:limit]],
            next_cursor=encode_cursor(blocks[limit - 1].id) if len(blocks) > limit else None,
        )

    @get("/{block_id:str}", operation_id="getBlock", summary="One block", responses=problems(401, 404))
    async def get_block(
        self, block_id: Annotated[str, _ID], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> BlockOrder:
        """One block, as its orders are now."""
        return BlockOrder.of(await block_service.get(principal, block_id))

    @patch(
        "/{block_id:str}",
        operation_id="replaceBlock",
        summary="Change a block's price",
        responses=problems(400, 401, 403, 404, 409, 422, 429, 502, 503),
    )
    async def replace(
        self,
        block_id: Annotated[str, _ID],
        data: JSONBody[ReplaceBlock],
        principal: NamedDependency[Principal],
        block_service: NamedDependency[BlockService],
    ) -> BlockOrder:
        """A new price for every open part; the orders tell what became of each. Refused only where no part took it."""
        return BlockOrder.of(await block_service.replace(principal, block_id, data))

    @post(
        "/{block_id:str}/cancel",
        operation_id="cancelBlock",
        summary="Cancel a block",
        status_code=200,
        responses=problems(401, 403, 404),
    )
    async def cancel(
        self, block_id: Annotated[str, _ID], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> BlockOrder:
        """Cancel all that is open; what was not sent never is. Asking again changes nothing."""
        return BlockOrder.of(await block_service.cancel(principal, block_id))

    @get(
        "/{block_id:str}/allocation-report",
        operation_id="getBlockAllocationReport",
        summary="Allocation report of a block",
        responses=problems(401, 404),
    )
    async def block_report(
        self, block_id: Annotated[str, _ID], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> AllocationReport:
        """자산배분명세: what each fund got, to the won."""
        return await block_service.report(principal, block_id=block_id, day=None)

    @get(
        "/{block_id:str}/allocation-report/csv",
        operation_id="getBlockAllocationReportCsv",
        summary="Allocation report of a block as CSV",
        media_type=_CSV,
        responses=problems(401, 404),
    )
    async def block_report_csv(
        self, block_id: Annotated[str, _ID], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> Response[bytes]:
        """UTF-8 with a byte order mark, for Excel."""
        return _file(as_csv(await block_service.report(principal, block_id=block_id, day=None)), _CSV, f"allocation-{block_id}.csv")

    @get(
        "/{block_id:str}/allocation-report/xlsx",
        operation_id="getBlockAllocationReportXlsx",
        summary="Allocation report of a block as XLSX",
        media_type=_XLSX,
        responses=problems(401, 404),
    )
    async def block_report_xlsx(
        self, block_id: Annotated[str, _ID], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> Response[bytes]:
        """One sheet, numbers as numbers, codes as text."""
        return _file(as_xlsx(await block_service.report(principal, block_id=block_id, day=None)), _XLSX, f"allocation-{block_id}.xlsx")


class AllocationReportController(Controller):
    """What all blocks of a day gave to whom."""

    path = "/allocation-reports"
    tags = ["funds"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="getAllocationReport", summary="Allocation report of a day", responses=problems(400, 401, 422))
    async def day_report(
        self, day: Annotated[date, _DAY], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> AllocationReport:
        """Every block of the day that the caller may see."""
        return await block_service.report(principal, block_id=None, day=day.isoformat())

    @get(
        "/csv",
        operation_id="getAllocationReportCsv",
        summary="Allocation report of a day as CSV",
        media_type=_CSV,
        responses=problems(400, 401, 422),
    )
    async def day_report_csv(
        self, day: Annotated[date, _DAY], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> Response[bytes]:
        """UTF-8 with a byte order mark, for Excel."""
        return _file(as_csv(await block_service.report(principal, block_id=None, day=day.isoformat())), _CSV, f"allocation-{day}.csv")

    @get(
        "/xlsx",
        operation_id="getAllocationReportXlsx",
        summary="Allocation report of a day as XLSX",
        media_type=_XLSX,
        responses=problems(400, 401, 422),
    )
    async def day_report_xlsx(
        self, day: Annotated[date, _DAY], principal: NamedDependency[Principal], block_service: NamedDependency[BlockService]
    ) -> Response[bytes]:
        """One sheet, numbers as numbers, codes as text."""
        return _file(as_xlsx(await block_service.report(principal, block_id=None, day=day.isoformat())), _XLSX, f"allocation-{day}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
