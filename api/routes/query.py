"""Questions about what happened, and the definitions of all figures."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream

from analytics.build import build_query
from analytics.calls import CallsRequest, build_calls, calls_page, every_page
from analytics.dimensions import DIMENSIONS
from analytics.export import FileFormat
from analytics.metrics import METRICS
from analytics.query import QueryRequest
from analytics.run import run_query, usual_zone
from api.auth import needs
from api.body import CheckedBody
from api.catalogue import choose_language
from api.dependencies import ApiRequest, Clock, Pool, Readers
from api.exports import CALL_PAGE, EXPORT_ROWS, ExportOperation, calls_file, result_file
from api.schemas.attempts import AttemptPage, attempt_page
from api.schemas.query import (
    DimensionView,
    MetricView,
    QueryAnswer,
    dimension_view,
    metric_view,
    query_answer,
)

Format = Annotated[FileFormat, QueryParameter(name="format")]
HasBom = Annotated[bool, QueryParameter(name="bom")]
"""Of CSV: a mark by which Excel knows UTF-8."""


class QueryController(Controller):
    """Reads only."""

    path = "/v1"
    tags = ("reports",)

    @get("/metrics", operation_id="list_metrics", **needs("reports:read"))
    async def metrics(self, request: ApiRequest) -> list[MetricView]:
        language = choose_language(request.headers.get("accept-language"))
        return [metric_view(metric, language) for metric in METRICS.values()]

    @get("/dimensions", operation_id="list_dimensions", **needs("reports:read"))
    async def dimensions(self, request: ApiRequest) -> list[DimensionView]:
        language = choose_language(request.headers.get("accept-language"))
        return [dimension_view(dimension, language) for dimension in DIMENSIONS.values()]

    @post(
        "/query",
        operation_id="query",
        **needs("reports:read"),
        status_code=HTTPStatus.OK,
        dto=CheckedBody[QueryRequest],
        return_dto=None,
    )
    async def query(
        self, request: ApiRequest, data: JSONBody[QueryRequest], pool: Pool, readers: Readers, clock: Clock
    ) -> Response[QueryAnswer]:
        query = build_query(data, clock(), default_zone=await usual_zone(pool))
        result = await run_query(readers.of(query), query, readers.kept)
        return Response(
            query_answer(result, choose_language(request.headers.get("accept-language"))),
            headers={"Vary": "Accept-Language"},
        )

    @post(
        "/query/calls",
        operation_id="query_calls",
        **needs("reports:read"),
        status_code=HTTPStatus.OK,
        dto=CheckedBody[CallsRequest],
        return_dto=None,
    )
    async def calls(
        self, request: ApiRequest, data: JSONBody[CallsRequest], pool: Pool, readers: Readers, clock: Clock
    ) -> AttemptPage:
        attempts, next_cursor = await calls_page(
            readers.facts, build_calls(data, clock(), default_zone=await usual_zone(pool)), readers.kept
        )
        return attempt_page(attempts, next_cursor, shows_numbers=request.auth.may("numbers:read"))

    @post(
        "/query/export",
        operation_id="export_query",
        **needs("reports:read"),
        status_code=HTTPStatus.OK,
        operation_class=ExportOperation,
        dto=CheckedBody[QueryRequest],
        return_dto=None,
    )
    async def export(
        self,
        *,
        data: JSONBody[QueryRequest],
        pool: Pool,
        readers: Readers,
        clock: Clock,
        file_format: Format = "csv",
        has_bom: HasBom = False,
    ) -> Stream:
        query = build_query(data, clock(), default_zone=await usual_zone(pool), max_rows=EXPORT_ROWS)
        result = await run_query(readers.of(query), query, readers.kept)
        return result_file(result, file_format, has_bom=has_bom)

    @post(
        "/query/calls/export",
        operation_id="export_calls",
        **needs("reports:read"),
        status_code=HTTPStatus.OK,
        operation_class=ExportOperation,
        dto=CheckedBody[CallsRequest],
        return_dto=None,
    )
    async def export_calls(
        self,
        *,
        request: ApiRequest,
        data: JSONBody[CallsRequest],
        pool: Pool,
        readers: Readers,
        clock: Clock,
        file_format: Format = "csv",
        has_bom: HasBom = False,
    ) -> Stream:
        """All of them, whatever limit the body has."""
        calls = build_calls(
            msgspec.structs.replace(data, limit=CALL_PAGE), clock(), default_zone=await usual_zone(pool)
        )
        return calls_file(
            every_page(readers.facts, calls, readers.kept),
            file_format,
            shows_numbers=request.auth.may("numbers:read"),
            has_bom=has_bom,
        )
