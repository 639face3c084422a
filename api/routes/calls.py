"""One attempt, and the SIP messages of its call."""

from http import HTTPStatus
from typing import Annotated, Final

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter

from api.auth import needs
from api.call_lookup import find_attempt, trace_of
from api.dependencies import ApiRequest, Pool
from api.schemas.calls import AttemptDetailsView, TraceView, details_view, trace_view
from campaigns.call_trace import CallTrace
from campaigns.errors import NotFound

AttemptKey = Annotated[
    str, PathParameter(description="an attempt id, or the SIP Call-ID, which begins with it", max_length=200)
]
PCAP_TYPE: Final = "application/vnd.tcpdump.pcap"


class CallController(Controller):
    """Reads only."""

    path = "/v1/attempts/{attempt:str}"
    tags = ("reports",)

    @get(operation_id="get_attempt", **needs("reports:read"))
    async def details(self, request: ApiRequest, pool: Pool, attempt: AttemptKey) -> AttemptDetailsView:
        found = await find_attempt(pool, attempt)
        return details_view(found, shows_numbers=request.auth.may("numbers:read"))

    @get("/trace", operation_id="get_trace", **needs("reports:read"))
    async def trace(self, request: ApiRequest, pool: Pool, attempt: AttemptKey) -> TraceView:
        return trace_view(await self._trace(request, pool, attempt))

    @get(
        "/trace.pcap",
        operation_id="get_trace_pcap",
        media_type=PCAP_TYPE,
        **needs(
            "reports:read",
            {HTTPStatus.OK: ResponseSpec(bytes, media_type=PCAP_TYPE, generate_examples=False)},
        ),
    )
    async def pcap(self, request: ApiRequest, pool: Pool, attempt: AttemptKey) -> Response[bytes]:
        trace = await self._trace(request, pool, attempt)
        disposition = f'attachment; filename="call-{trace.attempt_id}.pcap"'
        return Response(trace.to_pcap(), media_type=PCAP_TYPE, headers={"Content-Disposition": disposition})

    async def _trace(self, request: ApiRequest, pool: Pool, attempt: str) -> CallTrace:
        details = await find_attempt(pool, attempt)
        trace = await trace_of(pool, details, shows_numbers=request.auth.may("numbers:read"))
        if trace is None:
            raise NotFound("trace", str(details.attempt_id))
        return trace
