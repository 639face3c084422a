"""The page of one call: what came of it, when what happened, its SIP ladder, and the other tries of the same contact."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_date
from litestar import Controller, Response, get, post
from litestar.params import PathParameter
from litestar.response import Redirect

from analytics.attempt_details import AttemptDetails, attempts_of_contact
from api.alert_words import code_words
from api.auth import requires
from api.call_lookup import find_attempt, trace_of
from api.catalogue import Language
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.figures_in_words import LOCALES
from api.page_view import language_of, render
from api.recordings_page import clock_of
from api.schemas.calls import address_text
from api.schemas.recordings import recording_view
from campaigns.call_trace import CallTrace
from campaigns.numbers import mask
from campaigns.recording_rows import request_recording
from campaigns.recordings import RecordingStore
from campaigns.store import CampaignStore
from dialer.sip.trace import TraceRecord

STEPS: Final = (
    ("started", "started_time"),
    ("ringing", "ringing_time"),
    ("early_media", "early_media_time"),
    ("answered", "answered_time"),
    ("greeting_ended", "greeting_ended_time"),
    ("verdict", "verdict_time"),
    ("ended", "ended_time"),
    ("settled", "settled_time"),
)
"""The stored times of an attempt, in the order in which they usually come."""


CallKey = Annotated[str, PathParameter(max_length=200)]


class Step(msgspec.Struct, frozen=True):
    """One line of the timeline."""

    name: str
    time: datetime
    after_seconds: float
    """Since the attempt began."""


class LadderRow(msgspec.Struct, frozen=True):
    """One message between us and the peer."""

    at_seconds: float
    is_sent: bool
    label: str
    """Method, or status and reason phrase."""
    tone: str
    """good for 2xx, bad for 4xx-6xx, none else."""
    cseq: str
    remote: str
    transport: str
    size_bytes: int
    text: str


class CallPageController(Controller):
    """Pages for people; programs use `/v1/attempts`."""

    include_in_schema = False

    @get("/calls/{key:str}", guards=[requires("reports:read")])
    async def call(self, request: ApiRequest, key: CallKey, pool: Pool, store: Store) -> Response[str]:
        details = await find_attempt(pool, key)
        language = language_of(request)
        shows_numbers = request.auth.may("numbers:read")
        trace = await trace_of(pool, details, shows_numbers=shows_numbers)
        zone = ZoneInfo(details.time_zone)
        tries = await attempts_of_contact(pool, details)
        may_listen = request.auth.may("recordings:listen")
        recordings = await RecordingStore(pool).of_attempt(details.shard_key, details.attempt_id)
        return render(
            request,
            "call.html",
            details=details,
            number=details.number if shows_numbers else mask(details.number),
            day=format_date(details.started_time.astimezone(zone), "long", locale=LOCALES[language]),
            clock=lambda time: f"{time.astimezone(zone):%H:%M:%S}.{time.microsecond // 1000:03}",
            date=lambda time: format_date(time.astimezone(zone), "medium", locale=LOCALES[language]),
            steps=timeline(details),
            window=gate_window(details),
            code=lambda kind, code: code_with_words(kind, code, language),
            rules=[code_with_words("rule", rule, language) for rule in details.gate.get("passed") or ()],
            trace=trace,
            rows=[] if trace is None else [ladder_row(entry) for entry in trace.records],
            local="" if trace is None else address_text(trace.local),
            peers=peers_of(trace),
            tries=tries,
            # who may not listen does not learn that there is something to hear
            recordings=[recording_view(row, shows_numbers=shows_numbers) for row in recordings]
            if may_listen
            else [],
            may_change=request.auth.may("recordings:write"),
            can_be_recorded=await can_be_recorded(store, details) and request.auth.may("recordings:write"),
            length=clock_of,
            recorded_day=lambda day: format_date(day, "medium", locale=LOCALES[language]),
            section="campaigns",
        )

    @post("/calls/{key:str}/record", guards=[requires("recordings:write")], status_code=HTTPStatus.OK)
    async def record(self, key: CallKey, pool: Pool, clock: Clock) -> Redirect:
        details = await find_attempt(pool, key)
        if details.settled_time is None:
            await request_recording(pool, details.shard_key, details.attempt_id, clock())
        return Redirect(f"/calls/{details.attempt_id}", status_code=303)


async def can_be_recorded(store: CampaignStore, details: AttemptDetails) -> bool:
    """Tell whether somebody may ask for this call to be recorded, while it goes on."""
    if details.settled_time is not None:
        return False
    return (await store.get_campaign(details.campaign_id)).recording == "on_demand"


def timeline(details: AttemptDetails) -> list[Step]:
    """Return what has happened, in the order of the times; the table's order decides between equals."""
    steps = [
        Step(name, time, (time - details.started_time) / timedelta(seconds=1))
        for name, field in STEPS
        if (time := getattr(details, field)) is not None
    ]
    return sorted(steps, key=lambda step: step.time)


def code_with_words(kind: str, code: str | None, language: Language) -> str | None:
    """Say a code in words and as it is, for whoever looks for it in the log; one without words stands alone."""
    words = code_words(f"calls.{kind}", code, language)
    return code if code is None or words == code else f"{words} ({code})"


def gate_window(details: AttemptDetails) -> tuple[str, str] | None:
    """Return the calling window that the gate saw, as HH:MM; None for attempts that stored none."""
    match details.gate.get("window"):
        case [int(start), int(end), *_]:
            return tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in (start, end))  # type: ignore[return-value]
        case _:
            return None


def ladder_row(entry: TraceRecord) -> LadderRow:
    first, _, rest = entry.first_line.partition(" ")
    is_response = first.startswith("SIP/")
    status = rest[:3] if is_response else ""
    tone = "good" if status.startswith("2") else "bad" if status[:1] in {"4", "5", "6"} else ""
    return LadderRow(
        at_seconds=entry.at,
        is_sent=entry.direction == "sent",
        label=rest if is_response else first,
        tone=tone,
        cseq=entry.cseq,
        remote=address_text(entry.remote),
        transport=entry.transport.upper(),
        size_bytes=entry.size_bytes,
        text=entry.data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip(),
    )


def peers_of(trace: CallTrace | None) -> list[str]:
    """Return every address that the call's messages went to or came from, in the order of the first message."""
    return [] if trace is None else list(dict.fromkeys(address_text(entry.remote) for entry in trace.records))
