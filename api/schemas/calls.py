"""One call as the API shows it: the attempt with what is stored around it, and its SIP messages."""

from datetime import datetime
from typing import Any

import msgspec

from analytics.attempt_details import AttemptDetails
from api.schemas.attempts import AttemptView
from campaigns.call_trace import CallTrace
from campaigns.numbers import mask
from dialer.sip.trace import Direction, masked
from dialer.transport_config import Transport


class AttemptDetailsView(AttemptView, frozen=True, kw_only=True):
    """One attempt with the names of what it belongs to. What did not happen, or has not yet, is null."""

    campaign_name: str
    time_zone: str
    """The campaign's, IANA."""
    trunk_name: str | None
    media_packets_expected: int | None
    """As far as sequence numbers tell."""
    media_packets_received: int | None
    """How well the call was heard (dialer/rtp/quality.py); null where no audio was agreed on."""
    media_packets_lost: int | None
    media_packets_late: int | None
    media_packets_sent: int | None
    media_reported_loss: float | None
    """Share of our packets that the callee lost, as it said last."""
    media_jitter_ms: float | None
    media_round_trip_ms: float | None
    media_is_one_way: bool | None
    """Answered, and nothing was ever heard of the callee."""
    estimated_mos_received: float | None
    """An estimate of the mean opinion score, 1 to 4.5, by the E-model (ITU-T G.107) from loss, delay and jitter: of what came from the callee."""
    estimated_mos_sent: float | None
    """The same of what the callee's end got, by its own report of loss; null without one."""
    gate: dict[str, Any]
    """The facts that the gate saw and the rules it passed."""


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """One SIP message. Numbers are masked, letter for letter, unless the key holds numbers:read; credentials always."""

    at_ms: float
    """Since the first message."""
    direction: Direction
    first_line: str
    cseq: str
    transport: Transport
    remote: str
    """IP address and port of the peer."""
    size_bytes: int
    text: str


class TraceView(msgspec.Struct, frozen=True, kw_only=True):
    """The SIP messages of a call, oldest first."""

    attempt_id: str
    call_id: str
    started_time: datetime
    is_complete: bool
    """False while the call goes on."""
    local: str
    """IP address and port of our signalling."""
    messages: list[MessageView]


def details_view(details: AttemptDetails, *, shows_numbers: bool) -> AttemptDetailsView:
    facts = msgspec.structs.asdict(details)
    del facts["shard_key"]
    facts["estimated_mos_received"] = details.estimated_mos_received
    facts["estimated_mos_sent"] = details.estimated_mos_sent
    facts["attempt_id"] = str(details.attempt_id)
    facts["failover_of"] = None if details.failover_of is None else str(details.failover_of)
    facts["page_path"] = f"/calls/{details.attempt_id}"
    if not shows_numbers:
        facts["number"] = mask(details.number)
    return AttemptDetailsView(**facts)


def without_numbers(trace: CallTrace) -> CallTrace:
    """Mask the numbers of every message."""
    return msgspec.structs.replace(trace, records=masked(trace.records))


def trace_view(trace: CallTrace) -> TraceView:
    return TraceView(
        attempt_id=str(trace.attempt_id),
        call_id=trace.call_id,
        started_time=trace.started_time,
        is_complete=trace.is_complete,
        local=address_text(trace.local),
        messages=[
            MessageView(
                at_ms=round(entry.at * 1000, 3),
                direction=entry.direction,
                first_line=entry.first_line,
                cseq=entry.cseq,
                transport=entry.transport,
                remote=address_text(entry.remote),
                size_bytes=entry.size_bytes,
                text=entry.data.decode("utf-8", "replace"),
            )
            for entry in trace.records
        ],
    )


def address_text(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
