"""What is known about an attempt once its call is over: everything that settling it writes, and no telephone number."""

from datetime import datetime

import msgspec

from campaigns.dispositions import AnsweredBy, Disposition
from dialer.events import MediaQuality
from dialer.outcome import EndedBy, Fault, Result


class AnswerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the classifier heard."""

    cause: str
    """Why it said so; of early media where nobody answered."""
    speech_started_ms: int | None = None
    """After the answer."""
    greeting_ended_time: datetime | None = None
    """The law's two seconds start here."""
    verdict_time: datetime | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the spool and one row of the settle statement. Times are aware, UTC."""

    shard_key: int
    started_time: datetime
    attempt_id: int
    campaign_id: int
    call_id: str
    trunk: str
    masked_number: str
    """For the log line alone; the number itself stands in the attempt's row."""
    result: Result
    reason: str
    fault: Fault
    sip_status: int | None = None
    q850_cause: int | None = None
    ended_by: EndedBy | None = None
    ringing_time: datetime | None = None
    early_media_time: datetime | None = None
    answered_time: datetime | None = None
    ended_time: datetime | None = None
    pdd_ms: int | None = None
    talk_ms: int | None = None
    digits: str | None = None
    """Keys pressed, in order; None when the call was never answered."""
    message_played_ms: int | None = None
    disposition: Disposition | None = None
    answered_by: AnsweredBy | None = None
    """Who or what picked up, where somebody listened."""
    answer: AnswerFacts | None = None
    """What was heard of it."""
    media: MediaQuality | None = None
    """How well the call could be heard; None where nothing was agreed on or counted."""
    audit_share: float | None = None
    """With what probability this verdict was drawn for the listening queue; None = it was not."""
    next_due_time: datetime | None = None
    """When the lead is due again; None finishes it."""
    failover_trunk_ids: tuple[int, ...] | None = None
    """The trunk did not place the call: the same try goes on, by another trunk than these (docs/adr/0010)."""

    @property
    def answer_facts(self) -> dict[str, object] | None:
        """As the settle statement takes them."""
        if self.answer is None:
            return None
        facts: dict[str, object] = msgspec.to_builtins(self.answer)
        return facts

    @property
    def media_figures(self) -> dict[str, object] | None:
        """As the settle statement takes them."""
        if self.media is None:
            return None
        figures: dict[str, object] = msgspec.structs.asdict(self.media)
        figures["mos_hundredths"] = self.media.mos_hundredths
        figures["sent_mos_hundredths"] = self.media.sent_mos_hundredths
        return figures

    @property
    def failover(self) -> dict[str, object] | None:
        """What the lead keeps until then."""
        if self.failover_trunk_ids is None:
            return None
        return {"attempt_id": self.attempt_id, "trunk_ids": self.failover_trunk_ids}
