"""The page of the listening queue: the next drawn verdict with its sound, three keys, and what came of it by campaign."""

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, cast, get_args
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, post
from litestar.params import FromPath, PathParameter
from litestar.response import Redirect

from analytics.build import build_query
from analytics.query import Order, Period, QueryRequest
from analytics.result import Row
from analytics.run import run_query, usual_zone
from api.auth import requires
from api.call_page import code_with_words
from api.classifier_guard import guard_classifiers
from api.dependencies import ApiRequest, Clock, Pool
from api.figures_in_words import exact_moment
from api.page_view import ProblemText, language_of, problem_text, render
from campaigns.verdict_audits import Judgement, VerdictAudits

SECTION: Final = "audits"
COUNTED: Final = (
    "audited_persons",
    "audited_verdicts",
    "audits_unclear",
    "audits_unheard",
    "audits_drawn",
    "nobody_verdicts",
)
"""What stands beside each estimate, the narrowest first."""
JUDGEMENTS: Final[tuple[Judgement, ...]] = get_args(Judgement)
AttemptId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class AuditPageController(Controller):
    """`/audits`."""

    include_in_schema = False
    path = "/audits"
    guards = (requires("recordings:listen"),)

    @get()
    async def audits(self, request: ApiRequest, pool: Pool, clock: Clock) -> Response[str]:
        return await queue_page(request, pool, clock)

    @post("/next", status_code=HTTPStatus.OK)
    async def claim(self, request: ApiRequest, pool: Pool, clock: Clock) -> Redirect:
        await VerdictAudits(pool).claim(request.auth.owner, clock())
        return Redirect("/audits", status_code=303)

    @post("/{attempt_id:int}/{judgement:str}", status_code=HTTPStatus.OK)
    async def judge(
        self,
        request: ApiRequest,
        attempt_id: AttemptId,
        judgement: FromPath[Literal["human", "machine", "cannot_tell"]],
        pool: Pool,
        clock: Clock,
    ) -> Response[str] | Redirect:
        """Keep what was heard, and put the next one before the listener."""
        audits = VerdictAudits(pool)
        try:
            judged = await audits.judge(attempt_id, judgement, clock(), actor=request.auth.owner)
        except Exception as error:  # noqa: BLE001 - every problem is shown above the queue
            return await queue_page(request, pool, clock, problem_text(request, error)[1])
        await guard_classifiers(pool, clock(), judged.campaign_id)
        await audits.claim(request.auth.owner, clock())
        return Redirect(f"/audits?last={attempt_id}", status_code=303)


async def queue_page(
    request: ApiRequest, pool: Pool, clock: Clock, problem: ProblemText | None = None
) -> Response[str]:
    audits = VerdictAudits(pool)
    owner, now, language = request.auth.owner, clock(), language_of(request)
    zone = ZoneInfo(await usual_zone(pool))
    last = request.query_params.get("last", "")
    item = await audits.held(owner, now)
    return render(
        request,
        "audits.html",
        HTTPStatus.OK if problem is None else HTTPStatus.CONFLICT,
        item=item,
        counts=await audits.counts(owner, now),
        judgements=JUDGEMENTS,
        counted=COUNTED,
        last=int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None,
        # read from the facts, so not before each call; and whoever listens is not to know what others found
        estimates=None if item else await estimates(pool, clock),
        unheard={} if item else await audits.unheard(now),
        cause=lambda code: code_with_words("cause", code, language),
        clock=lambda time: exact_moment(time, zone, language),
        problem=problem,
        section=SECTION,
    )


async def estimates(pool: Pool, clock: Clock) -> list[Row]:
    """Return what listeners found by campaign in the last 30 days, those with a verdict to doubt."""
    request = QueryRequest(
        metrics=["false_positive_share", *COUNTED],
        dimensions=["campaign"],
        period=cast("Any", Period(name="last_30_days")),
        order=[Order(by="nobody_verdicts", direction="desc")],
        limit=100,
    )
    result = await run_query(pool, build_query(request, clock(), default_zone=await usual_zone(pool)))
    return [row for row in result.rows if row.metrics["nobody_verdicts"].value]
