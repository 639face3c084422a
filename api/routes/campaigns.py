"""Campaigns: their settings and their life."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

import msgspec
from litestar import Controller, Response, get, patch, post
from litestar.params import JSONBody

from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.errors import FieldProblem, invalid_request
from api.idempotency import answer_once
from api.schemas.campaigns import CampaignPage
from api.schemas.parameters import AfterId, CampaignId, Limit
from campaigns.errors import NotFound
from campaigns.models import Action, Campaign, CampaignPatch, NewCampaign


class CampaignController(Controller):
    """`/v1/campaigns`."""

    path = "/v1/campaigns"
    tags = ("campaigns",)

    @post(
        operation_id="create_campaign",
        **needs("campaigns:write"),
        dto=CheckedBody[NewCampaign],
        return_dto=None,
    )
    async def create(
        self, request: ApiRequest, data: JSONBody[NewCampaign], pool: Pool, store: Store, clock: Clock
    ) -> Response[Campaign]:
        async def work() -> Campaign:
            with unknown_references_are_field_problems(has_trunks=bool(data.trunks)):
                return await store.create_campaign(data, clock())

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get(operation_id="list_campaigns", **needs("campaigns:read"))
    async def list_campaigns(self, store: Store, after_id: AfterId = 0, limit: Limit = 100) -> CampaignPage:
        campaigns = await store.list_campaigns(after_id, limit + 1)
        return CampaignPage(
            items=campaigns[:limit],
            next_after_id=campaigns[limit - 1].campaign_id if len(campaigns) > limit else None,
        )

    @get("/{campaign_id:int}", operation_id="get_campaign", **needs("campaigns:read"))
    async def read(self, campaign_id: CampaignId, store: Store) -> Campaign:
        return await store.get_campaign(campaign_id)

    @patch(
        "/{campaign_id:int}",
        operation_id="patch_campaign",
        **needs("campaigns:write"),
        dto=CheckedBody[CampaignPatch],
        return_dto=None,
    )
    async def change(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        data: JSONBody[CampaignPatch],
        store: Store,
        clock: Clock,
    ) -> Campaign:
        with unknown_references_are_field_problems(has_trunks=data.trunks is not msgspec.UNSET):
            return await store.patch_campaign(campaign_id, data, clock(), actor=request.auth.owner)

    @post(
        "/{campaign_id:int}/start",
        operation_id="start_campaign",
        **needs("campaigns:write"),
        status_code=HTTPStatus.OK,
    )
    async def start(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[Campaign]:
        return await set_status(request, campaign_id, "start", pool, store, clock)

    @post(
        "/{campaign_id:int}/pause",
        operation_id="pause_campaign",
        **needs("campaigns:write"),
        status_code=HTTPStatus.OK,
    )
    async def pause(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[Campaign]:
        return await set_status(request, campaign_id, "pause", pool, store, clock)

    @post(
        "/{campaign_id:int}/resume",
        operation_id="resume_campaign",
        **needs("campaigns:write"),
        status_code=HTTPStatus.OK,
    )
    async def resume(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[Campaign]:
        return await set_status(request, campaign_id, "resume", pool, store, clock)

    @post(
        "/{campaign_id:int}/stop",
        operation_id="stop_campaign",
        **needs("campaigns:write"),
        status_code=HTTPStatus.OK,
    )
    async def stop(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[Campaign]:
        return await set_status(request, campaign_id, "stop", pool, store, clock)


async def set_status(
    request: ApiRequest, campaign_id: int, action: Action, pool: Pool, store: Store, clock: Clock
) -> Response[Campaign]:
    async def work() -> Campaign:
        return await store.set_status(campaign_id, action, clock(), actor=request.auth.owner)

    return await answer_once(request, pool, clock(), work, status=HTTPStatus.OK)


@contextlib.contextmanager
def unknown_references_are_field_problems(*, has_trunks: bool) -> Iterator[None]:
    """A body that names a trunk or message that is not there is wrong in that field; the address itself is right."""
    try:
        yield
    except NotFound as error:
        if error.kind == "campaign":
            raise
        field = "trunks" if error.kind == "trunk" and has_trunks else f"{error.kind}_id"
        raise invalid_request(FieldProblem(field, "no_such_reference", {"value": str(error.id)})) from error
