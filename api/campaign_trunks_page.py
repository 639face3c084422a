"""The page on which a campaign is given its trunks, each with priority and weight. It works without a script."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.response import Redirect

from analytics.trunks import trunk_states
from api.auth import requires
from api.body import read_body
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.errors import FieldProblem, field_view
from api.page_view import ProblemText, language_of, problem_text, render
from api.schemas.parameters import CampaignId
from api.trunk_pages import texts_of, verdict
from campaigns.models import Campaign, CampaignPatch, CampaignTrunk


class CampaignTrunksPageController(Controller):
    """`/campaigns/{id}/trunks`."""

    include_in_schema = False
    path = "/campaigns/{campaign_id:int}/trunks"
    guards = (requires("campaigns:write"),)

    @get()
    async def edit(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str]:
        campaign = await store.get_campaign(campaign_id)
        return await form_page(request, campaign, shown_trunks(campaign), pool, store, clock)

    @post(status_code=HTTPStatus.OK)
    async def change(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        campaign = await store.get_campaign(campaign_id)
        sent = await texts_of(request)
        try:
            patch = read_trunks(sent)
            await store.patch_campaign(campaign_id, patch, clock(), actor=request.auth.owner)
        except Exception as error:  # noqa: BLE001 - every problem is shown beside its input or above the form
            problem, words = problem_text(request, error)
            return await form_page(
                request, campaign, sent, pool, store, clock, problem=words, problems=list(problem.problems)
            )
        return Redirect(f"/campaigns/{campaign_id}", status_code=303)


def shown_trunks(campaign: Campaign) -> dict[str, str]:
    """Return what stands in the inputs of the trunks that the campaign has."""
    shown = {}
    for use in campaign.trunks:
        shown[f"use-{use.trunk_id}"] = "on"
        shown[f"priority-{use.trunk_id}"] = str(use.priority)
        shown[f"weight-{use.trunk_id}"] = str(use.weight)
    return shown


def chosen_ids(sent: Mapping[str, str]) -> list[int]:
    return sorted(int(name[4:]) for name in sent if name.startswith("use-") and name[4:].isdecimal())


def read_trunks(sent: Mapping[str, str]) -> CampaignPatch:
    """
    Return the change that was sent; an empty input is the default.

    Raises:
        ApiError: naming every problem.
    """
    usual = CampaignTrunk(trunk_id=1)
    trunks: list[dict[str, Any]] = [
        {
            "trunk_id": trunk_id,
            "priority": whole(sent.get(f"priority-{trunk_id}", ""), usual.priority),
            "weight": whole(sent.get(f"weight-{trunk_id}", ""), usual.weight),
        }
        for trunk_id in chosen_ids(sent)
    ]
    return read_body(msgspec.json.encode({"trunks": trunks}), CampaignPatch)


def whole(text: str, usual: int) -> int | str:
    text = text.strip()
    return int(text) if text.isdecimal() else text or usual


async def form_page(
    request: ApiRequest,
    campaign: Campaign,
    values: Mapping[str, str],
    pool: Pool,
    store: Store,
    clock: Clock,
    *,
    problem: ProblemText | None = None,
    problems: list[FieldProblem] | None = None,
) -> Response[str]:
    language = language_of(request)
    ids = chosen_ids(values)
    wrong: dict[str, str] = {}
    others = []
    for view in (field_view(one, language) for one in problems or []):
        # trunks.1.weight is the weight of the second trunk that was chosen
        _, _, place = view.field.partition(".")
        index, _, name = place.partition(".")
        if name and index.isdecimal() and int(index) < len(ids):
            wrong[f"{name}-{ids[int(index)]}"] = view.detail
        else:
            others.append(view.detail)
    if problem is not None and not problems:
        others.append(f"{problem.title}. {problem.detail}")
    trunks = await store.list_trunks()
    states = await trunk_states(pool, [trunk.trunk_id for trunk in trunks], clock())
    return render(
        request,
        "campaign_trunks.html",
        HTTPStatus.OK if problem is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        campaign=campaign,
        trunks=[(trunk, verdict(trunk, states[trunk.trunk_id])) for trunk in trunks],
        values=values,
        wrong=wrong,
        others=others,
        section="campaigns",
    )
