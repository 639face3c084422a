"""Questions about what happened, and the definitions of all figures."""

from http import HTTPStatus

from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from analytics.build import build_query
from analytics.calls import CallsRequest, build_calls, calls_page
from analytics.dimensions import DIMENSIONS
from analytics.metrics import METRICS
from analytics.query import QueryRequest
from analytics.run import run_query
from api.auth import needs
from api.body import CheckedBody
from api.catalogue import choose_language
from api.dependencies import ApiRequest, Clock, Pool
from api.schemas.attempts import AttemptPage, attempt_page
from api.schemas.query import (
    DimensionView,
    MetricView,
    QueryAnswer,
    dimension_view,
    metric_view,
    query_answer,
)


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
        self, request: ApiRequest, data: JSONBody[QueryRequest], pool: Pool, clock: Clock
    ) -> Response[QueryAnswer]:
        result = await run_query(pool, build_query(data, clock()))
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
        self, request: ApiRequest, data: JSONBody[CallsRequest], pool: Pool, clock: Clock
    ) -> AttemptPage:
        attempts, next_cursor = await calls_page(pool, build_calls(data, clock()))
        return attempt_page(attempts, next_cursor, shows_numbers=request.auth.may("numbers:read"))
