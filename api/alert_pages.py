"""The pages of alerts: what is open and what is over, the rules, and who is told. They work without a script."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.response import Redirect

from analytics.alert_rule import METRICS, Comparison, is_share
from analytics.run import usual_zone
from api import alert_words
from api.alert_form import DEFAULTS, read_rule, shown_rule
from api.alert_models import AlertDelivery, AlertFacts, NewReceiver, Receiver
from api.alert_receivers import ReceiverStore
from api.auth import requires
from api.body import read_body
from api.catalogue import LANGUAGES, Language, text
from api.dependencies import ApiRequest, Clock, Pool, Settings, Store
from api.errors import FieldProblem, field_view
from api.figures_in_words import NO_DATA, minutes, moment
from api.page_view import ProblemText, language_of, problem_text, render
from campaigns.alerts import AlertRule, AlertStore

SECTION: Final = "alerts"
MAX_ID: Final = 2**63 - 1
PAGE: Final = 50
MAX_OPEN: Final = 200
MAX_SUBJECTS: Final = 200
RuleId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


class AlertPageController(Controller):
    """`/alerts`."""

    include_in_schema = False
    path = "/alerts"

    @get(guards=[requires("reports:read")])
    async def alerts(
        self,
        request: ApiRequest,
        pool: Pool,
        before: Annotated[int, QueryParameter(ge=1, le=MAX_ID)] = MAX_ID,
    ) -> Response[str]:
        return await alerts_page(request, pool, before)

    @post(
        "/{alert_id:int}/acknowledge",
        guards=[requires("campaigns:write")],
        status_code=HTTPStatus.OK,
    )
    async def acknowledge(
        self,
        request: ApiRequest,
        alert_id: Annotated[int, PathParameter(ge=1, le=MAX_ID)],
        pool: Pool,
        clock: Clock,
    ) -> Response[str] | Redirect:
        try:
            await AlertStore(pool).acknowledge(alert_id, clock(), request.auth.owner)
        except Exception as error:  # noqa: BLE001 - every problem is shown above the list
            return await alerts_page(request, pool, MAX_ID, problem_text(request, error)[1])
        return Redirect("/alerts", status_code=303)

    @get("/rules", guards=[requires("reports:read")])
    async def rules(self, request: ApiRequest, pool: Pool, store: Store) -> Response[str]:
        rules = await AlertStore(pool).list_rules()
        names = await subject_names(store)
        language = language_of(request)
        return render(
            request,
            "alert_rules.html",
            rules=rules,
            may_change=request.auth.may("campaigns:write"),
            subject=lambda rule: alert_words.subject(
                rule.metric,
                rule.subject_kind,
                rule.subject_id,
                names.get(f"{rule.subject_kind}:{rule.subject_id}"),
                language,
            ),
            condition=lambda rule: alert_words.condition(
                rule.metric, rule.comparison, rule.threshold, language
            ),
            is_share=is_share,
            section=SECTION,
            tab="rules",
        )

    @get("/rules/new", guards=[requires("campaigns:write")])
    async def new_rule(self, request: ApiRequest, store: Store) -> Response[str]:
        return await rule_page(request, store, None, dict(DEFAULTS), [])

    @post("/rules/new", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def add_rule(
        self, request: ApiRequest, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        sent = await texts_of(request)
        read = read_rule(sent)
        if read.rule is None:
            return await rule_page(request, store, None, sent, read.problems)
        await AlertStore(pool).add_rule(read.rule.rule(), clock())
        return Redirect("/alerts/rules", status_code=303)

    @get("/rules/{rule_id:int}", guards=[requires("campaigns:write")])
    async def rule(self, request: ApiRequest, rule_id: RuleId, pool: Pool, store: Store) -> Response[str]:
        rule = await AlertStore(pool).get_rule(rule_id)
        return await rule_page(request, store, rule, shown_rule(rule), [])

    @post("/rules/{rule_id:int}", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def change_rule(
        self, request: ApiRequest, rule_id: RuleId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        rule = await AlertStore(pool).get_rule(rule_id)
        sent = await texts_of(request)
        read = read_rule(sent)
        if read.rule is None:
            return await rule_page(request, store, rule, sent, read.problems)
        await AlertStore(pool).replace_rule(rule_id, read.rule.rule(), clock())
        return Redirect("/alerts/rules", status_code=303)

    @post(
        "/rules/{rule_id:int}/{switch:str}",
        guards=[requires("campaigns:write")],
        status_code=HTTPStatus.OK,
    )
    async def switch_rule(
        self, rule_id: RuleId, switch: FromPath[Literal["on", "off"]], pool: Pool, clock: Clock
    ) -> Redirect:
        await AlertStore(pool).enable_rule(rule_id, clock(), is_enabled=switch == "on")
        return Redirect("/alerts/rules", status_code=303)

    @get("/receivers", guards=[requires("reports:read")])
    async def receivers(self, request: ApiRequest, pool: Pool, settings: Settings) -> Response[str]:
        return await receivers_page(request, pool, settings)

    @post("/receivers", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def add_receiver(
        self, request: ApiRequest, pool: Pool, settings: Settings, clock: Clock
    ) -> Response[str] | Redirect:
        sent = await texts_of(request)
        try:
            made = await ReceiverStore(pool).add(receiver_of(sent), clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            problem, words = problem_text(request, error)
            return await receivers_page(
                request, pool, settings, sent=sent, problem=words, problems=list(problem.problems)
            )
        if made.webhook_secret is None:
            return Redirect("/alerts/receivers", status_code=303)
        return await receivers_page(request, pool, settings, made=made)

    @post("/receivers/{receiver_id:int}/delete", guards=[requires("campaigns:write")])
    async def remove_receiver(self, receiver_id: RuleId, pool: Pool) -> Redirect:
        await ReceiverStore(pool).delete(receiver_id)
        return Redirect("/alerts/receivers", status_code=303)


async def texts_of(request: ApiRequest) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def receiver_of(sent: dict[str, str]) -> NewReceiver:
    """Read the form of a receiver. Raises `ApiError` naming everything that is wrong."""
    addresses = [part.strip() for part in sent.get("recipients", "").split(",") if part.strip()]
    rule_text = sent.get("rule_id", "")
    body = {
        "recipients": addresses or None,
        "webhook_url": sent.get("webhook_url", "").strip() or None,
        "language": sent.get("language", ""),
        "rule_id": int(rule_text) if rule_text.isdecimal() else None,
    }
    return read_body(msgspec.json.encode(body), NewReceiver)


async def alerts_page(
    request: ApiRequest, pool: Pool, before: int, problem: ProblemText | None = None
) -> Response[str]:
    store = ReceiverStore(pool)
    is_first = before == MAX_ID
    opened = await store.alerts(MAX_ID, MAX_OPEN, is_open=True) if is_first else []
    over = await store.alerts(before, PAGE + 1, is_open=False)
    shown = over[:PAGE]
    told: dict[int, list[AlertDelivery]] = defaultdict(list)
    for delivery in await store.deliveries_of([alert.alert_id for alert in (*opened, *shown)]):
        told[delivery.alert_id].append(delivery)
    language = language_of(request)
    return render(
        request,
        "alerts.html",
        HTTPStatus.OK if problem is None else HTTPStatus.CONFLICT,
        opened=opened,
        over=shown,
        is_first=is_first,
        next_page=f"/alerts?before={shown[-1].alert_id}" if len(over) > PAGE else None,
        told=told,
        has_rules=bool(await AlertStore(pool).list_rules()),
        may_change=request.auth.may("campaigns:write"),
        problem=problem,
        subject=lambda alert: alert_words.subject(
            alert.metric, alert.subject_kind, alert.subject_id, alert.subject_name, language
        ),
        detail=lambda alert: alert_words.detail(alert, language),
        finding=lambda alert: alert_words.finding(alert, alert.value, language),
        figure=lambda alert, value: alert_words.figure(alert.metric, value, language),
        lasted=lambda alert: lasted(alert, language),
        time=await moments(request, pool),
        section=SECTION,
        tab="alerts",
    )


async def moments(request: ApiRequest, pool: Pool) -> Callable[[datetime | None], str]:
    """Return how this visitor's page writes a time: by the clock that most campaigns have."""
    zone, language = ZoneInfo(await usual_zone(pool)), language_of(request)

    def words(at: datetime | None) -> str:
        return NO_DATA if at is None else moment(at, zone, language)

    return words


def lasted(alert: AlertFacts, language: Language) -> str:
    if alert.resolved_time is None:
        return NO_DATA
    return minutes((alert.resolved_time - alert.raised_time).total_seconds() / 60, language)


async def subject_names(store: Store) -> dict[str, str]:
    """Return what a rule can watch, by its value in the form."""
    campaigns = await store.newest_campaigns(MAX_SUBJECTS)
    trunks = await store.list_trunks()
    return {
        **{f"campaign:{campaign.campaign_id}": campaign.name for campaign in campaigns},
        **{f"trunk:{trunk.trunk_id}": trunk.name for trunk in trunks},
    }


async def rule_page(
    request: ApiRequest,
    store: Store,
    rule: AlertRule | None,
    values: dict[str, str],
    problems: list[FieldProblem],
) -> Response[str]:
    language = language_of(request)
    views = {view.field: view.detail for view in (field_view(problem, language) for problem in problems)}
    # the form has one input for both
    if (words := views.get("subject_kind") or views.get("subject_id")) is not None:
        views["subject"] = words
    names = await subject_names(store)
    chosen = values.get("subject", "")
    if ":" in chosen and chosen not in names:
        kind, _, identifier = chosen.partition(":")
        names[chosen] = text(f"alerts.subject.{kind}", language, id=identifier)
    return render(
        request,
        "alert_rule.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        rule=rule,
        values={**dict.fromkeys(DEFAULTS, ""), **values},
        problems=views,
        metrics=list(METRICS),
        comparisons=(
            "worse_than_usual",
            *[name for name in get_args(Comparison) if name != "worse_than_usual"],
        ),
        campaigns={value: name for value, name in names.items() if value.startswith("campaign:")},
        trunks={value: name for value, name in names.items() if value.startswith("trunk:")},
        section=SECTION,
        tab="rules",
    )


async def receivers_page(
    request: ApiRequest,
    pool: Pool,
    settings: Settings,
    *,
    sent: dict[str, str] | None = None,
    made: Receiver | None = None,
    problem: ProblemText | None = None,
    problems: list[FieldProblem] | None = None,
) -> Response[str]:
    store = ReceiverStore(pool)
    language = language_of(request)
    rules = {rule.rule_id: rule.name for rule in await AlertStore(pool).list_rules()}
    return render(
        request,
        "alert_receivers.html",
        HTTPStatus.OK if problem is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        receivers=await store.receivers(),
        last=await store.last_deliveries(),
        rules=rules,
        languages=LANGUAGES,
        values={"recipients": "", "webhook_url": "", "rule_id": "", "language": language, **(sent or {})},
        made=made,
        problem=problem,
        problems=[field_view(field, language) for field in problems or []],
        has_mail=settings.mail_server is not None,
        may_change=request.auth.may("campaigns:write"),
        time=await moments(request, pool),
        section=SECTION,
        tab="receivers",
    )
