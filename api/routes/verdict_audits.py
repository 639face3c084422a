"""The listening queue, and the classifier that it guards."""

from http import HTTPStatus
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter

from api.auth import needs
from api.body import CheckedBody
from api.classifier_guard import classifier_state, guard_classifiers
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.idempotency import answer_once
from api.schemas.parameters import CampaignId, OfCampaign
from api.schemas.verdict_audits import (
    AuditQueue,
    ClassifierState,
    JudgementBody,
    NextAudit,
    VerdictAuditView,
    audit_view,
)
from campaigns.classifier_stops import ClassifierStops
from campaigns.verdict_audits import DrawnVerdict, VerdictAudits

AttemptId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class VerdictAuditController(Controller):
    """`/v1/verdict-audits` and `/v1/campaigns/{id}/classifier`."""

    path = "/v1"
    tags = ("verdict audits",)

    @get("/verdict-audits", operation_id="get_verdict_audits", **needs("recordings:listen"))
    async def queue(
        self, request: ApiRequest, pool: Pool, clock: Clock, campaign_id: OfCampaign = None
    ) -> AuditQueue:
        audits = VerdictAudits(pool)
        item = await audits.held(request.auth.owner, clock())
        return await queue_of(audits, request, clock, campaign_id, item)

    @post(
        "/verdict-audits/next",
        operation_id="claim_verdict_audit",
        **needs("recordings:listen"),
        dto=CheckedBody[NextAudit],
        return_dto=None,
        status_code=HTTPStatus.OK,
    )
    async def claim(
        self, request: ApiRequest, data: JSONBody[NextAudit], pool: Pool, clock: Clock
    ) -> Response[AuditQueue]:
        async def work() -> AuditQueue:
            audits = VerdictAudits(pool)
            item = await audits.claim(request.auth.owner, clock(), data.campaign_id)
            return await queue_of(audits, request, clock, data.campaign_id, item)

        return await answer_once(
            request, pool, clock(), work, status=HTTPStatus.OK, body=await request.body()
        )

    @post(
        "/verdict-audits/{attempt_id:int}/judgement",
        operation_id="judge_verdict",
        **needs("recordings:listen"),
        dto=CheckedBody[JudgementBody],
        return_dto=None,
        status_code=HTTPStatus.OK,
    )
    async def judge(
        self,
        request: ApiRequest,
        attempt_id: AttemptId,
        data: JSONBody[JudgementBody],
        pool: Pool,
        clock: Clock,
    ) -> Response[VerdictAuditView]:
        async def work() -> VerdictAuditView:
            judged = await VerdictAudits(pool).judge(
                attempt_id, data.judgement, clock(), actor=request.auth.owner
            )
            await guard_classifiers(pool, clock(), judged.campaign_id)
            return audit_view(judged)

        return await answer_once(
            request, pool, clock(), work, status=HTTPStatus.OK, body=await request.body()
        )

    @get("/campaigns/{campaign_id:int}/classifier", operation_id="get_classifier", **needs("campaigns:read"))
    async def classifier(self, campaign_id: CampaignId, pool: Pool, store: Store) -> ClassifierState:
        return await classifier_state(pool, await store.get_campaign(campaign_id))

    @post(
        "/campaigns/{campaign_id:int}/classifier/resume",
        operation_id="resume_classifier",
        **needs("campaigns:write"),
        status_code=HTTPStatus.OK,
    )
    async def resume(
        self, request: ApiRequest, campaign_id: CampaignId, pool: Pool, store: Store, clock: Clock
    ) -> Response[ClassifierState]:
        async def work() -> ClassifierState:
            campaign = await store.get_campaign(campaign_id)
            await ClassifierStops(pool).resume(campaign_id, clock(), actor=request.auth.owner)
            return await classifier_state(pool, campaign)

        return await answer_once(request, pool, clock(), work, status=HTTPStatus.OK)


async def queue_of(
    audits: VerdictAudits,
    request: ApiRequest,
    clock: Clock,
    campaign_id: int | None,
    item: DrawnVerdict | None,
) -> AuditQueue:
    counts = await audits.counts(request.auth.owner, clock(), campaign_id)
    return AuditQueue(
        item=None if item is None else audit_view(item),
        waiting=counts.waiting,
        with_others=counts.with_others,
        without_sound=counts.without_sound,
        unheard=await audits.unheard(clock(), campaign_id),
    )
