"""Alert rules, what they raised, and who is told."""

from http import HTTPStatus
from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.alert_models import AlertDelivery, NewReceiver, Receiver
from api.alert_receivers import ReceiverStore
from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool
from api.idempotency import answer_once
from api.schemas.alerts import AlertPage, RuleBody, RulePatch
from api.schemas.parameters import Limit
from campaigns.alerts import Alert, AlertRule, AlertStore

MAX_ID = 2**63 - 1

RuleId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
AlertId = Annotated[int, PathParameter(ge=1, le=MAX_ID)]


class AlertController(Controller):
    """`/v1/alert-rules`, `/v1/alerts` and `/v1/alert-receivers`."""

    path = "/v1"
    tags = ("alerts",)

    @post(
        "/alert-rules",
        operation_id="create_alert_rule",
        **needs("campaigns:write"),
        dto=CheckedBody[RuleBody],
        return_dto=None,
    )
    async def create_rule(
        self, request: ApiRequest, data: JSONBody[RuleBody], pool: Pool, clock: Clock
    ) -> Response[AlertRule]:
        async def work() -> AlertRule:
            return await AlertStore(pool).add_rule(data.rule(), clock())

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get("/alert-rules", operation_id="list_alert_rules", **needs("reports:read"))
    async def list_rules(self, pool: Pool) -> list[AlertRule]:
        return await AlertStore(pool).list_rules()

    @patch(
        "/alert-rules/{rule_id:int}",
        operation_id="patch_alert_rule",
        **needs("campaigns:write"),
        dto=CheckedBody[RulePatch],
        return_dto=None,
    )
    async def enable_rule(
        self, rule_id: RuleId, data: JSONBody[RulePatch], pool: Pool, clock: Clock
    ) -> AlertRule:
        return await AlertStore(pool).enable_rule(rule_id, clock(), is_enabled=data.is_enabled)

    @put(
        "/alert-rules/{rule_id:int}",
        operation_id="replace_alert_rule",
        **needs("campaigns:write"),
        dto=CheckedBody[RuleBody],
        return_dto=None,
    )
    async def replace_rule(
        self, rule_id: RuleId, data: JSONBody[RuleBody], pool: Pool, clock: Clock
    ) -> AlertRule:
        return await AlertStore(pool).replace_rule(rule_id, data.rule(), clock())

    @post(
        "/alert-receivers",
        operation_id="create_alert_receiver",
        **needs("campaigns:write"),
        dto=CheckedBody[NewReceiver],
        return_dto=None,
    )
    async def add_receiver(
        self, request: ApiRequest, data: JSONBody[NewReceiver], pool: Pool, clock: Clock
    ) -> Response[Receiver]:
        async def work() -> Receiver:
            return await ReceiverStore(pool).add(data, clock())

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get("/alert-receivers", operation_id="list_alert_receivers", **needs("reports:read"))
    async def list_receivers(self, pool: Pool) -> list[Receiver]:
        return await ReceiverStore(pool).receivers()

    @delete(
        "/alert-receivers/{receiver_id:int}",
        operation_id="delete_alert_receiver",
        **needs("campaigns:write"),
    )
    async def remove_receiver(self, receiver_id: RuleId, pool: Pool) -> None:
        await ReceiverStore(pool).delete(receiver_id)

    @get(
        "/alert-receivers/{receiver_id:int}/deliveries",
        operation_id="list_alert_deliveries",
        **needs("reports:read"),
    )
    async def deliveries(
        self,
        receiver_id: RuleId,
        pool: Pool,
        before_alert_id: Annotated[int, QueryParameter(ge=1, le=MAX_ID)] = MAX_ID,
        limit: Limit = 100,
    ) -> list[AlertDelivery]:
        store = ReceiverStore(pool)
        await store.get(receiver_id)
        return await store.deliveries(receiver_id, before_alert_id, limit)

    @get("/alerts", operation_id="list_alerts", **needs("reports:read"))
    async def list_alerts(
        self,
        pool: Pool,
        before_id: Annotated[int, QueryParameter(ge=1, le=MAX_ID)] = MAX_ID,
        is_open: Annotated[bool | None, QueryParameter()] = None,
        limit: Limit = 100,
    ) -> AlertPage:
        alerts = await AlertStore(pool).list_alerts(before_id, limit + 1, is_open=is_open)
        return AlertPage(
            items=alerts[:limit], next_before_id=alerts[limit - 1].alert_id if len(alerts) > limit else None
        )

    @post(
        "/alerts/{alert_id:int}/acknowledge",
        operation_id="acknowledge_alert",
        **needs("campaigns:write"),
        status_code=HTTPStatus.OK,
    )
    async def acknowledge(
        self, request: ApiRequest, alert_id: AlertId, pool: Pool, clock: Clock
    ) -> Response[Alert]:
        async def work() -> Alert:
            return await AlertStore(pool).acknowledge(alert_id, clock(), request.auth.owner)

        return await answer_once(request, pool, clock(), work, status=HTTPStatus.OK)
