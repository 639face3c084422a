"""
Looks at every alert rule twice a minute: read the figures, judge them, keep what became of each subject's alert.

Any number of API processes may look at once: one open alert per rule and subject is the database's doing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from analytics.alert_facts import Subject, figures
from analytics.alert_rule import Figure, OpenAlert, Rule, judge, next_step
from analytics.database import Pool
from api.classifier_guard import guard_classifiers
from api.floor import DATABASE_ERRORS
from campaigns.alerts import AlertRule, AlertStore, OpenAlertRow, OwnRule

log = structlog.get_logger()

LOOK_SECONDS: Final = 30.0
REST: Final = 10.0
"""After a look of n seconds rest 10n: history is read from the facts."""
MAX_DOUBLINGS: Final = 5
"""Of the pause after looks that broke: at most a quarter of an hour."""

OF_COPIES: Final = OwnRule(
    name="Copies fail · Копии не проходят", metric="failing_copies", subject_kind="all", window_minutes=1
)
OF_DAMAGE: Final = OwnRule(
    name="Recordings damaged · Записи с потерями",
    metric="damaged_recordings",
    subject_kind="all",
    window_minutes=15,
)


@contextlib.asynccontextmanager
async def watching_alerts(
    pool: Pool, clock: Callable[[], datetime], *, makes_copies: bool
) -> AsyncIterator[None]:
    """Look at the rules while the block runs. `makes_copies`: there is a storage for copies of recordings."""
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(watch_alerts(pool, clock, makes_copies=makes_copies), name="alert-watch")
        try:
            yield
        finally:
            watch.cancel()


async def watch_alerts(pool: Pool, clock: Callable[[], datetime], *, makes_copies: bool) -> None:
    """Look until cancelled; a bug in it is said aloud, costs alerts and never the API, and is met more and more seldom."""
    loop = asyncio.get_running_loop()
    broken_looks = 0
    while True:
        started_at = loop.time()
        try:
            await look(pool, clock(), makes_copies=makes_copies)
            broken_looks = 0
        except DATABASE_ERRORS as error:
            log.warning("alerts.look_failed", error=type(error).__name__)
        except Exception:
            broken_looks += 1
            log.exception("alerts.look_broke", looks=broken_looks)
        pause_seconds = max(LOOK_SECONDS, REST * (loop.time() - started_at))
        await asyncio.sleep(pause_seconds * 2 ** min(broken_looks, MAX_DOUBLINGS))


async def look(pool: Pool, now: datetime, *, makes_copies: bool = True) -> None:
    """Guard the classifiers, then judge every enabled rule once. Rules that ask for the same figures share one reading."""
    await guard_classifiers(pool, now)
    store = AlertStore(pool)
    readings: dict[tuple[str, int], dict[Subject, Figure]] = {}
    if not makes_copies:
        readings["failing_copies", OF_COPIES.window_minutes] = {}  # what was waiting waits for nothing now
    for own in (OF_COPIES, OF_DAMAGE):
        found = await reading(pool, readings, own.metric, own.window_minutes, now)
        if any(figure.value for figure in found.values()):
            await store.add_own_rule(own, now)
    for rule in await store.list_rules():
        if not rule.is_enabled:
            continue
        minutes = OF_COPIES.window_minutes if rule.metric == "failing_copies" else rule.window_minutes
        found = await reading(pool, readings, rule.metric, minutes, now)
        try:
            await apply(store, rule, found, now)
        except DATABASE_ERRORS:
            raise
        except Exception:
            log.exception("alerts.rule_broke", rule_id=rule.rule_id)  # the other rules are looked at


async def reading(
    pool: Pool, readings: dict[tuple[str, int], dict[Subject, Figure]], name: str, minutes: int, now: datetime
) -> dict[Subject, Figure]:
    metric: Any = name
    if (name, minutes) not in readings:
        readings[name, minutes] = await figures(pool, metric, timedelta(minutes=minutes), now)
    return readings[name, minutes]


async def apply(store: AlertStore, rule: AlertRule, found: dict[Subject, Figure], now: datetime) -> None:
    watched = {subject: figure for subject, figure in found.items() if is_of(rule, subject)}
    opened = {
        (alert.subject_kind, alert.subject_id): alert for alert in await store.open_alerts(rule.rule_id)
    }
    decision = msgspec.convert(rule, Rule, from_attributes=True)
    for subject in watched.keys() | opened.keys():
        figure = watched.get(subject)
        if figure is None:
            # a campaign that does not run any more has nothing to be alarmed about
            await store.resolve(opened[subject].alert_id, now)
        else:
            await move(store, rule, decision, subject, figure, opened.get(subject), now)


async def move(
    store: AlertStore,
    rule: AlertRule,
    decision: Rule,
    subject: Subject,
    figure: Figure,
    alert: OpenAlertRow | None,
    now: datetime,
) -> None:
    verdict = judge(decision, figure)
    known = None if alert is None else OpenAlert(recovering_since=alert.recovering_since)
    step = next_step(known, verdict, now)
    if step == "raise" and figure.value is not None and verdict.expected is not None:
        await store.raise_alert(
            rule.rule_id, subject, now, value=figure.value, numerator=figure.numerator,
            denominator=figure.denominator, expected=verdict.expected, detail=figure.detail,
        )  # fmt: skip
    elif alert is not None and step == "keep":
        await store.keep(alert.alert_id, now, figure.value, figure.detail)
    elif alert is not None and step == "recover":
        await store.recover(alert.alert_id, now, figure.value)
    elif alert is not None and step == "resolve":
        await store.resolve(alert.alert_id, now)


def is_of(rule: AlertRule, subject: Subject) -> bool:
    kind, identifier = subject
    return kind == rule.subject_kind and rule.subject_id in {None, identifier}
