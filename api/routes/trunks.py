"""Trunks: the carrier peers."""

from http import HTTPStatus

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import JSONBody

from analytics.trunks import trunk_states
from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.idempotency import answer_once
from api.schemas.parameters import TrunkId
from api.schemas.trunks import TrunkHealthList, TrunkList, TrunkView, trunk_view
from campaigns.trunk_models import NewTrunk, TrunkPatch


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

    @get("/health", operation_id="list_trunk_health", **needs("campaigns:read"))
    async def health(self, store: Store, pool: Pool, clock: Clock) -> TrunkHealthList:
        trunk_ids = [trunk.trunk_id for trunk in await store.list_trunks()]
        return TrunkHealthList(items=list((await trunk_states(pool, trunk_ids, clock())).values()))

    @get("/{trunk_id:int}", operation_id="get_trunk", **needs("campaigns:read"))
    async def read(self, trunk_id: TrunkId, store: Store) -> TrunkView:
        return trunk_view(await store.get_trunk(trunk_id))

    @patch(
        "/{trunk_id:int}",
        operation_id="patch_trunk",
        **needs("campaigns:write"),
        dto=CheckedBody[TrunkPatch],
        return_dto=None,
    )
    async def change(self, trunk_id: TrunkId, data: JSONBody[TrunkPatch], store: Store) -> TrunkView:
        return trunk_view(await store.patch_trunk(trunk_id, data))

    @delete("/{trunk_id:int}", operation_id="delete_trunk", **needs("campaigns:write"))
    async def remove(self, trunk_id: TrunkId, store: Store, clock: Clock) -> None:
        await store.delete_trunk(trunk_id, clock())
