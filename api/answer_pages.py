"""The page of a campaign's answering-machine settings: what to do with machines, who checks, and why it is off."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get, post
from litestar.response import Redirect

from api.auth import requires
from api.body import read_body
from api.classifier_guard import classifier_state
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.errors import ApiError, FieldProblem, field_view
from api.page_view import ProblemText, language_of, problem_text, render
from api.schemas.parameters import CampaignId
from campaigns.classifier_stops import ClassifierStops
from campaigns.models import Campaign, CampaignPatch

POLICIES: Final[tuple[Literal["ignore", "hang_up", "leave_message"], ...]] = (
    "ignore",
    "hang_up",
    "leave_message",
)
PERCENTS: Final = ("audit_share", "false_positive_limit")
"""Shares that the form shows in percent."""


class AnswerPageController(Controller):
    """`/campaigns/{id}/answers`."""

    include_in_schema = False
    path = "/campaigns/{campaign_id:int}"
    guards = (requires("campaigns:write"),)

    @get("/answers")
    async def edit(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store
    ) -> Response[str]:
        campaign = await store.get_campaign(campaign_id)
        return await form_page(request, campaign, shown_values(campaign), pool, store)

    @post("/answers", status_code=HTTPStatus.OK)
    async def change(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        campaign = await store.get_campaign(campaign_id)
        form = await request.form()
        sent = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            patch = read_form(sent)
            await store.patch_campaign(campaign_id, patch, clock(), actor=request.auth.owner)
        except ApiError as error:
            return await form_page(request, campaign, sent, pool, store, problems=list(error.problems))
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            words = problem_text(request, error)[1]
            return await form_page(request, campaign, sent, pool, store, problem=words)
        return Redirect(f"/campaigns/{campaign_id}", status_code=303)

    @post("/classifier/resume", status_code=HTTPStatus.OK)
    async def resume(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        campaign = await store.get_campaign(campaign_id)
        try:
            await ClassifierStops(pool).resume(campaign_id, clock(), actor=request.auth.owner)
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            words = problem_text(request, error)[1]
            return await form_page(request, campaign, shown_values(campaign), pool, store, problem=words)
        return Redirect(f"/campaigns/{campaign_id}/answers", status_code=303)


def shown_values(campaign: Campaign) -> dict[str, str]:
    return {
        "answering_machine": campaign.answering_machine,
        "prompt_id": "" if campaign.prompt_id is None else str(campaign.prompt_id),
        **{name: f"{100 * getattr(campaign, name):g}" for name in PERCENTS},
    }


def read_form(sent: Mapping[str, str]) -> CampaignPatch:
    """
    Return the change that was sent.

    Raises:
        ApiError: naming every problem.
    """
    values: dict[str, Any] = {"answering_machine": sent.get("answering_machine", "")}
    prompt = sent.get("prompt_id", "").strip()
    values["prompt_id"] = int(prompt) if prompt.isascii() and prompt.isdigit() else prompt or None
    for name in PERCENTS:
        text = sent.get(name, "").strip()
        try:
            # twelve digits, so that 2.3 % is 0.023 and not its neighbour
            values[name] = round(float(text.replace(",", ".").removesuffix("%")) / 100, 12)
        except ValueError:
            values[name] = text  # the check names it
    return read_body(msgspec.json.encode(values), CampaignPatch)


async def form_page(
    request: ApiRequest,
    campaign: Campaign,
    values: Mapping[str, str],
    pool: Pool,
    store: Store,
    *,
    problems: list[FieldProblem] | None = None,
    problem: ProblemText | None = None,
) -> Response[str]:
    language = language_of(request)
    views = [field_view(one, language) for one in problems or []]
    zone = ZoneInfo(campaign.time_zone)
    return render(
        request,
        "answers.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if views or problem else HTTPStatus.OK,
        campaign=campaign,
        classifier=await classifier_state(pool, campaign),
        policies=POLICIES,
        prompts=await store.list_prompts(),
        values=values,
        percents=PERCENTS,
        problems={view.field: view.detail for view in views},
        problem=problem,
        clock=lambda time: f"{time.astimezone(zone):%Y-%m-%d %H:%M}",
        section="campaigns",
    )
