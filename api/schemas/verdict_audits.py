"""The listening queue and the classifier of a campaign as the API takes and gives them."""

from datetime import datetime

import msgspec

from campaigns.classifier_stops import ClassifierStop
from campaigns.dispositions import AnsweredBy, Disposition
from campaigns.models import AnsweringMachine
from campaigns.verdict_audits import DrawnVerdict, Judgement, UnheardWhy
from dialer.outcome import EndedBy


class NextAudit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which verdicts to hear."""

    campaign_id: int | None = None
    """Null: of any campaign."""


class JudgementBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a listener heard."""

    judgement: Judgement


class VerdictAuditView(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict to be heard again."""

    attempt_id: str
    campaign_id: int
    campaign_name: str
    trunk_name: str
    started_time: datetime
    answered_time: datetime | None
    answered_by: AnsweredBy
    """What the classifier said."""
    answered_by_cause: str | None
    verdict_ms: int | None
    """From the answer to the verdict."""
    speech_started_ms: int | None
    talk_ms: int | None
    ended_by: EndedBy | None
    disposition: Disposition | None
    recording_id: str | None
    """Its sound: GET /v1/recordings/{recording_id}/audio. Null: none was kept."""
    claimed_until: datetime | None
    """Until then nobody else gets it."""
    judgement: Judgement | None


class AuditQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What is before the one who asks, and what else there is."""

    item: VerdictAuditView | None
    """Null: nothing waits that can be heard."""
    waiting: int
    with_others: int
    """Before other people at this moment."""
    without_sound: int
    """No sound yet."""
    unheard: dict[UnheardWhy, int]
    """Of the last 30 days: drawn, and out of the queue because nobody could listen. Nothing was drawn in their place."""


class ClassifierState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a campaign listens to who answers, and how often it is wrong about people."""

    campaign_id: int
    answering_machine: AnsweringMachine
    """The campaign's setting."""
    is_off: bool
    """Switched off for hanging up on people: `ignore` holds until somebody switches it on again."""
    stop: ClassifierStop | None
    """Why."""
    audit_share: float
    false_positive_limit: float
    humans: int
    """People among the `judged` last verdicts that listeners judged since it was switched on; the guard looks at these."""
    judged: int
    low: float | None
    """With `high`: the 95 % interval of their share. Null without judgements."""
    high: float | None


def audit_view(verdict: DrawnVerdict) -> VerdictAuditView:
    return VerdictAuditView(
        attempt_id=str(verdict.attempt_id),
        campaign_id=verdict.campaign_id,
        campaign_name=verdict.campaign_name,
        trunk_name=verdict.trunk_name,
        started_time=verdict.started_time,
        answered_time=verdict.answered_time,
        answered_by=verdict.answered_by,
        answered_by_cause=verdict.answered_by_cause,
        verdict_ms=verdict.verdict_ms,
        speech_started_ms=verdict.speech_started_ms,
        talk_ms=verdict.talk_ms,
        ended_by=verdict.ended_by,
        disposition=verdict.disposition,
        recording_id=None if verdict.recording_id is None else str(verdict.recording_id),
        claimed_until=verdict.claimed_until,
        judgement=verdict.judgement,
    )
