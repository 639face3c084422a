"""The pages of trunks: how each one is, and the form of its settings. They work without a script."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

from babel.dates import format_time
from litestar import Controller, Response, get, post
from litestar.response import Redirect

from analytics.trunks import TrunkState, trunk_states
from api.auth import requires
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.errors import FieldProblem, field_view
from api.figures_in_words import LOCALES
from api.page_view import ProblemText, language_of, problem_text, render
from api.schemas.parameters import TrunkId
from api.trunk_form import GROUPS, read_form, settings_of, shown_values
from api.trunk_prices_form import FIELDS, read_prices, shown_prices
from campaigns.report_rules import ReportRules, TrunkPrices
from campaigns.trunk_models import Trunk, TrunkPatch

SECTION: Final = "trunks"
ALL_GROUPS: Final = {**GROUPS, "prices": FIELDS}


class TrunkPageController(Controller):
    """`/trunks`."""

    include_in_schema = False
    path = "/trunks"

    @get(guards=[requires("campaigns:read")])
    async def trunks(self, request: ApiRequest, pool: Pool, store: Store, clock: Clock) -> Response[str]:
        trunks = await store.list_trunks()
        states = await trunk_states(pool, [trunk.trunk_id for trunk in trunks], clock())
        items = [(trunk, states[trunk.trunk_id], verdict(trunk, states[trunk.trunk_id])) for trunk in trunks]
        locale = LOCALES[language_of(request)]

        def clock_time(at: datetime) -> str:
            return format_time(at, "HH:mm:ss", tzinfo=at.tzinfo, locale=locale)

        return render(request, "trunks.html", items=items, clock_time=clock_time, section=SECTION)

    @get("/new", guards=[requires("campaigns:write")])
    async def new(self, request: ApiRequest) -> Response[str]:
        return form_page(
            request, None, {**shown_values(settings_of(None)), **shown_prices(TrunkPrices())}, []
        )

    @post("/new", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def create(
        self, request: ApiRequest, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        sent = await texts_of(request)
        read, priced = read_form(sent, None), read_prices(sent)
        if read.settings is None or priced.prices is None:
            return form_page(request, None, shown_as_sent(sent), read.problems + priced.problems)
        try:
            made = await store.create_trunk(read.settings, clock())
            await set_prices(request, pool, made.trunk_id, priced.prices, clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            return form_page(request, None, shown_as_sent(sent), [], problem_text(request, error)[1])
        return Redirect("/trunks", status_code=303)

    @get("/{trunk_id:int}", guards=[requires("campaigns:write")])
    async def edit(self, request: ApiRequest, trunk_id: TrunkId, pool: Pool, store: Store) -> Response[str]:
        trunk = await store.get_trunk(trunk_id)
        return form_page(request, trunk, await stored_values(pool, trunk), [])

    @post("/{trunk_id:int}", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def change(
        self, request: ApiRequest, trunk_id: TrunkId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        trunk = await store.get_trunk(trunk_id)
        sent = await texts_of(request)
        read, priced = read_form(sent, trunk), read_prices(sent)
        if read.settings is None or priced.prices is None:
            return form_page(request, trunk, shown_as_sent(sent), read.problems + priced.problems)
        before = trunk.settings()
        changes = {
            name: value
            for name in TrunkPatch.__struct_fields__
            if (value := getattr(read.settings, name)) != getattr(before, name)
        }
        try:
            await store.patch_trunk(trunk_id, TrunkPatch(**changes))
            await set_prices(request, pool, trunk_id, priced.prices, clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            return form_page(request, trunk, shown_as_sent(sent), [], problem_text(request, error)[1])
        return Redirect("/trunks", status_code=303)

    @post("/{trunk_id:int}/delete", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def remove(
        self, request: ApiRequest, trunk_id: TrunkId, pool: Pool, store: Store, clock: Clock
    ) -> Response[str] | Redirect:
        trunk = await store.get_trunk(trunk_id)
        try:
            await store.delete_trunk(trunk_id, clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            words = problem_text(request, error)[1]
            return form_page(request, trunk, await stored_values(pool, trunk), [], words)
        return Redirect("/trunks", status_code=303)


def verdict(trunk: Trunk, state: TrunkState) -> tuple[str, str]:
    """Return the key of the one word that says how a trunk is, and its tone."""
    if not state.nodes:
        return "unwatched", ""
    if state.resolve_problem is not None:
        return "unresolved", "bad"
    if trunk.registration is not None and not state.is_registered:
        return "unregistered", "bad"
    if state.circuit == "open":
        return "open", "bad"
    if state.circuit == "half_open":
        return "half_open", "warn"
    return "up", "good"


async def stored_values(pool: Pool, trunk: Trunk) -> dict[str, object]:
    prices = await ReportRules(pool).trunk_prices(trunk.trunk_id)
    return {**shown_values(settings_of(trunk)), **shown_prices(prices)}


async def set_prices(
    request: ApiRequest, pool: Pool, trunk_id: int, prices: TrunkPrices, now: datetime
) -> None:
    """Change the prices if they are others: they stand in the audit."""
    rules = ReportRules(pool)
    if prices != await rules.trunk_prices(trunk_id):
        await rules.set_trunk_prices(trunk_id, prices, actor=request.auth.owner, now=now)


async def texts_of(request: ApiRequest) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def shown_as_sent(sent: dict[str, str]) -> dict[str, object]:
    """Return the inputs as the visitor left them, but for the password."""
    values: dict[str, object] = {}
    for group in ALL_GROUPS.values():
        for field in group:
            values[field.name] = field.name in sent if field.kind == "switch" else sent.get(field.name, "")
    return {**values, "password": ""}


def form_page(
    request: ApiRequest,
    trunk: Trunk | None,
    values: dict[str, object],
    problems: list[FieldProblem],
    problem: ProblemText | None = None,
) -> Response[str]:
    language = language_of(request)
    shown = {field.name for group in ALL_GROUPS.values() for field in group}
    views = [field_view(problem, language) for problem in problems]
    return render(
        request,
        "trunk.html",
        HTTPStatus.OK if not problems and problem is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        trunk=trunk,
        groups=ALL_GROUPS,
        values=values,
        problems={view.field: view.detail for view in views},
        others=[view for view in views if view.field not in shown],
        problem=problem,
        section=SECTION,
    )
