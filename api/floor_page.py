"""The page of the live floor. The server draws its frame and its words; `src/floor.ts` fills in what runs."""

from typing import Final, get_args

from litestar import Response, get

from analytics.report import RESULTS
from api.auth import requires
from api.dependencies import ApiRequest, Hub
from api.page_view import json_in_html, language_of, raw_texts, render
from campaigns.models import Status

SOURCES: Final = ("campaigns", "nodes", "calls", "minutes", "leads", "trunks", "alerts")
WORDS: Final = (
    "live", "connecting", "lost", "stale", "answered_of", "age_now", "age_seconds", "age_never", "of_calls", "of_contacts", "of_channels",
    "dialable", "dry_at", "dry_in_day", "dry_now", "not_counted", "limits", "per_minute", "since", "expected_below",
    "expected_above", "expected_usual", "whole_floor", "all_recordings", "acknowledge", "acknowledged", "failed", "pause",
    "resume", "speed", "pause_question", "resume_question", "speed_question", "minutes_label", "rotation_paused",
    "rotation_on", "node_silent", "node_calls",
)  # fmt: skip
SCRIPT_TEXTS: Final = {
    **{word: f"floor.script.{word}" for word in WORDS},
    "trunk.open": "floor.trunk.open",
    "trunk.half_open": "floor.trunk.half_open",
    **{f"source.{name}": f"floor.source.{name}" for name in SOURCES},
    **{f"status.{status}": f"pages.status.{status}" for status in get_args(Status)},
    **{f"result.{result}": f"pages.result.{result}" for result in RESULTS},
}


@get("/floor", guards=[requires("reports:read")], include_in_schema=False)
async def floor_page(request: ApiRequest, hub: Hub) -> Response[str]:
    language = language_of(request)
    data = {
        "language": language,
        "live_url": "/v1/floor/live",
        "may_change": request.auth.may("campaigns:write"),
        "snapshot": await hub.floor.snapshot(),
        "texts": raw_texts(language, SCRIPT_TEXTS),
    }
    return render(request, "floor.html", section="floor", data=json_in_html(data))
