"""Trunks: the carrier peers."""

from http import HTTPStatus

from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.idempotency import answer_once
from api.schemas.campaigns import TrunkList, TrunkView, trunk_view
from campaigns.models import NewTrunk


class TrunkController(Controller):
    """`/v1/trunks`."""

    path = "/v1/trunks"
    tags = ("trunks",)

    @post(
        operation_id="create_trunk",
        **needs("campaigns:write"),
        dto=CheckedBody[NewTrunk],
        return_dto=None,
        status_code=HTTPStatus.CREATED,
    )
    async def create(
        self, request: ApiRequest, data: JSONBody[NewTrunk], pool: Pool, store: Store, clock: Clock
    ) -> Response[TrunkView]:
        async def work() -> TrunkView:
            return trunk_view(await store.create_trunk(data, clock()))

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get(operation_id="list_trunks", **needs("campaigns:read"))
    async def list_trunks(self, store: Store) -> TrunkList:
        return TrunkList(items=[trunk_view(trunk) for trunk in await store.list_trunks()])
