"""The live floor: everything that runs now, as one answer or as a stream."""

from http import HTTPStatus

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from api.auth import needs
from api.dependencies import Hub
from api.routes.reports import event_stream
from api.schemas.floor import FloorSnapshot


class FloorController(Controller):
    """`/v1/floor`."""

    path = "/v1/floor"
    tags = ("floor",)

    @get(operation_id="get_floor", **needs("reports:read"))
    async def read(self, hub: Hub) -> FloorSnapshot:
        return await hub.floor.snapshot()

    @get(
        "/live",
        operation_id="watch_floor",
        **needs(
            "reports:read",
            {
                HTTPStatus.OK: ResponseSpec(
                    FloorSnapshot, media_type="text/event-stream", generate_examples=False
                )
            },
        ),
    )
    async def live(self, hub: Hub) -> Stream:
        return event_stream(hub.stream_floor())
