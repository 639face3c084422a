"""What a campaign, a prompt and a contact are. Checked when they are made; times are aware datetimes in UTC."""

import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from campaigns.errors import InvalidSettings, Problem
from campaigns.numbers import E164 as E164  # noqa: PLC0414 - a word of the models, too
from campaigns.numbers import is_country
from campaigns.problems import empty_or_long, not_positive, out_of_range
from campaigns.snowflake import SLOTS_PER_CAMPAIGN

Mode = Literal["voice_message"]
RecordingPolicy = Literal["none", "all", "on_demand"]
AnsweringMachine = Literal["ignore", "hang_up", "leave_message", "pass_to_agent"]
Purpose = Literal["service", "advertising"]
Status = Literal["draft", "running", "paused", "stopped", "finished"]
Action = Literal["start", "pause", "resume", "stop"]
DncSource = Literal["key_press", "api", "import"]

MIN_RING_TIMEOUT_SECONDS: Final = 15.0
RETRYABLE_RESULTS: Final = frozenset(
    {
        "busy",
        "no_answer",
        "rejected",
        "unreachable",
        "congested",
        "cancelled",
        "abandoned",
        "failed",
        "machine",
    }
)
"""Results after which a rule may ask for another attempt. Never `answered`, never `invalid_number`, never `unknown`: an
attempt whose end nobody saw may have been a conversation. `machine` is an answer by one that we hung up on."""


class RetryRule(msgspec.Struct, frozen=True, kw_only=True):
    """What follows a result: try again after `delay_seconds`, until the lead has had `max_attempts` in all."""

    delay_seconds: float
    max_attempts: int
    """The first attempt counts too: 1 means no retry."""


DEFAULT_RETRY_RULES: Final[Mapping[str, RetryRule]] = {
    "busy": RetryRule(delay_seconds=600, max_attempts=3),
    "no_answer": RetryRule(delay_seconds=3600, max_attempts=3),
    "unreachable": RetryRule(delay_seconds=1800, max_attempts=2),
    "congested": RetryRule(delay_seconds=60, max_attempts=5),
}


MIN_SHARE: Final = 0.001
MAX_LIMIT: Final = 0.5
MAX_RECORDING_DAYS: Final = 36_500
MAX_TRUNKS: Final = 20
MAX_PRIORITY: Final = 100
MAX_WEIGHT: Final = 1_000


class CampaignTrunk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the trunks that a campaign dials by."""

    trunk_id: int
    priority: int = 0
    """The lowest that is usable takes all calls; a higher one waits for its failure."""
    weight: int = 1
    """Part of the calls among trunks of one priority."""


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a campaign to create. Raises `InvalidSettings` when they contradict themselves."""

    name: str
    trunk_id: int | None = None
    """Short for `trunks` with this one alone."""
    trunks: tuple[CampaignTrunk, ...] = ()
    prompt_id: int | None = None
    caller_id: str | None = None
    """Overrides the trunk's."""
    mode: Mode = "voice_message"
    purpose: Purpose = "service"
    default_country: str = "RU"
    """ISO 3166 code for numbers of the base that carry no country code."""
    time_zone: str = "Europe/Moscow"
    """IANA zone of the reports' hours and days."""
    callee_time_zone: str | None = None
    """Where the people of the base live, for numbers that do not tell (a Russian mobile may be in eleven zones). None =
    not known: then such a number is called only while every zone it may be in is inside the window."""
    window_start_minute: int = 9 * 60
    """Minutes after the callee's midnight."""
    window_end_minute: int = 20 * 60
    window_weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    """ISO: 1 is Monday."""
    max_calls_per_second: float = 5.0
    max_concurrent_calls: int = 50
    ring_timeout_seconds: float = 30.0
    max_talk_seconds: float = 300.0
    key_wait_seconds: float = 5.0
    """How long the callee may still press a key after the message has ended."""
    answering_machine: AnsweringMachine = "ignore"
    """What to do when a machine answers. `ignore` does not listen: the message begins at once, whoever answers. Otherwise it
    begins when a person has been heard, or nobody; a machine is hung up on, or gets the message after its beep; a fax and a
    network's tones are hung up on. `pass_to_agent` needs agents."""
    audit_share: float = 0.05
    """Share of the verdicts "nobody to talk to" that people listen to afterwards, 0 or 0.001 to 1: the only way to know how
    often a person is taken for a machine. 0 = nobody checks, and the limit below is never looked at."""
    false_positive_limit: float = 0.03
    """More people than this share among those verdicts, beyond chance, switch the classifier off: all calls go to a person."""
    recording: RecordingPolicy = "none"
    """Which calls are recorded, from the answer on: none, all, or those that somebody asks for while they go on."""
    recording_days: int = 30
    """How long recordings are kept; then they are deleted, but for held ones. A change holds for those that are there, too."""
    retry_rules: dict[str, RetryRule] = msgspec.field(default_factory=lambda: dict(DEFAULT_RETRY_RULES))
    """By result; a result without a rule is not tried again."""
    split: int = 1
    """Over how many shards the base is spread; more than 1 only for a base beyond one node."""

    def __post_init__(self) -> None:
        problems = campaign_problems(self)
        if problems:
            raise InvalidSettings(*problems)

    def chosen_trunks(self) -> tuple[CampaignTrunk, ...]:
        """Return the trunks, whichever way they were named."""
        return self.trunks if self.trunk_id is None else (CampaignTrunk(trunk_id=self.trunk_id),)


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as stored; fields as in `NewCampaign`."""

    campaign_id: int
    name: str
    mode: Mode
    purpose: Purpose
    status: Status
    split: int
    trunks: tuple[CampaignTrunk, ...]
    """By priority, then by id."""
    prompt_id: int | None
    caller_id: str | None
    default_country: str
    time_zone: str
    callee_time_zone: str | None
    window_start_minute: int
    window_end_minute: int
    window_weekdays: tuple[int, ...]
    max_calls_per_second: float
    max_concurrent_calls: int
    ring_timeout_seconds: float
    max_talk_seconds: float
    key_wait_seconds: float
    answering_machine: AnsweringMachine
    audit_share: float
    false_positive_limit: float
    recording: RecordingPolicy
    recording_days: int
    retry_rules: dict[str, RetryRule]
    created_time: datetime
    started_time: datetime | None
    """Of the first start."""
    finished_time: datetime | None
    """Of the last stop or finish; null again once restarted."""

    def settings(self) -> NewCampaign:
        """Return the part that can be chosen."""
        names = [name for name in NewCampaign.__struct_fields__ if name != "trunk_id"]
        return NewCampaign(**{name: getattr(self, name) for name in names})


class CampaignPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings to change; what is unset stays. Mode and split cannot change."""

    name: str | UnsetType = UNSET
    trunk_id: int | UnsetType = UNSET
    trunks: tuple[CampaignTrunk, ...] | UnsetType = UNSET
    prompt_id: int | UnsetType | None = UNSET
    caller_id: str | UnsetType | None = UNSET
    purpose: Purpose | UnsetType = UNSET
    default_country: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    callee_time_zone: str | UnsetType | None = UNSET
    window_start_minute: int | UnsetType = UNSET
    window_end_minute: int | UnsetType = UNSET
    window_weekdays: tuple[int, ...] | UnsetType = UNSET
    max_calls_per_second: float | UnsetType = UNSET
    max_concurrent_calls: int | UnsetType = UNSET
    ring_timeout_seconds: float | UnsetType = UNSET
    max_talk_seconds: float | UnsetType = UNSET
    key_wait_seconds: float | UnsetType = UNSET
    answering_machine: AnsweringMachine | UnsetType = UNSET
    audit_share: float | UnsetType = UNSET
    false_positive_limit: float | UnsetType = UNSET
    recording: RecordingPolicy | UnsetType = UNSET
    recording_days: int | UnsetType = UNSET
    retry_rules: dict[str, RetryRule] | UnsetType = UNSET

    def changes(self) -> dict[str, object]:
        """Return the set fields by name."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}

    def applied_to(self, settings: NewCampaign) -> NewCampaign:
        """Return the settings after this change. Raises `InvalidSettings` when the whole would contradict itself."""
        changes = self.changes()
        if "trunk_id" in changes and "trunks" not in changes:
            changes["trunks"] = ()  # the one replaces the other
        return NewCampaign(**{**msgspec.structs.asdict(settings), **changes})


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A message to play; its sound is fetched apart."""

    prompt_id: int
    name: str
    duration_ms: int
    created_time: datetime


class DncNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is not to be called, and why we know."""

    number: str
    source: DncSource
    attempt_id: int | None
    added_time: datetime


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its secret, of which only the SHA-256 is stored."""

    key_id: int
    name: str
    scopes: tuple[str, ...]
    created_time: datetime
    revoked_time: datetime | None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser session or an unused sign-in link may do, and until when."""

    scopes: tuple[str, ...]
    expires_time: datetime


def campaign_problems(settings: NewCampaign) -> list[Problem]:
    """Return everything that is wrong with the settings, each with a stable code."""
    problems = [
        *empty_or_long("name", settings.name, 200),
        *trunk_choice_problems(settings),
        *out_of_range("window_start_minute", settings.window_start_minute, 0, 1439),
        *out_of_range("window_end_minute", settings.window_end_minute, 1, 1440),
        *not_positive("max_calls_per_second", settings.max_calls_per_second),
        *not_positive("max_concurrent_calls", settings.max_concurrent_calls),
        *not_positive("max_talk_seconds", settings.max_talk_seconds),
        *out_of_range("ring_timeout_seconds", settings.ring_timeout_seconds, MIN_RING_TIMEOUT_SECONDS, 300),
        *out_of_range("key_wait_seconds", settings.key_wait_seconds, 0, 60),
        *out_of_range("recording_days", settings.recording_days, 1, MAX_RECORDING_DAYS),
        *out_of_range("split", settings.split, 1, SLOTS_PER_CAMPAIGN),
    ]
    if settings.audit_share != 0:
        problems += out_of_range("audit_share", settings.audit_share, MIN_SHARE, 1)
    problems += out_of_range("false_positive_limit", settings.false_positive_limit, MIN_SHARE, MAX_LIMIT)
    if settings.answering_machine == "pass_to_agent":
        problems.append(Problem("answering_machine", "no_agents"))
    if settings.window_start_minute >= settings.window_end_minute:
        problems.append(Problem("window_end_minute", "not_after_start"))
    days = settings.window_weekdays
    if not days or len(set(days)) != len(days) or not set(days) <= set(range(1, 8)):
        problems.append(Problem("window_weekdays", "not_weekdays"))
    if not is_country(settings.default_country):
        problems.append(Problem("default_country", "not_a_country", {"value": settings.default_country[:20]}))
    for name, zone in (("time_zone", settings.time_zone), ("callee_time_zone", settings.callee_time_zone)):
        if zone is not None and not is_zone(zone):
            problems.append(Problem(name, "not_a_time_zone", {"value": zone[:60]}))
    for result, rule in settings.retry_rules.items():
        if result not in RETRYABLE_RESULTS:
            problems.append(Problem("retry_rules", "not_retryable", {"value": result[:40]}))
        problems.extend(
            out_of_range(f"retry_rules.{result[:40]}.delay_seconds", rule.delay_seconds, 0, 31 * 86_400)
        )
        problems.extend(out_of_range(f"retry_rules.{result[:40]}.max_attempts", rule.max_attempts, 1, 100))
    return problems


def trunk_choice_problems(settings: NewCampaign) -> list[Problem]:
    if settings.trunk_id is not None:
        return [Problem("trunks", "trunks_twice")] if settings.trunks else []
    if not settings.trunks:
        return [Problem("trunk_id", "missing")]
    problems = []
    if len(settings.trunks) > MAX_TRUNKS:
        problems.append(Problem("trunks", "too_many_entries", {"max": MAX_TRUNKS}))
    if len({trunk.trunk_id for trunk in settings.trunks}) < len(settings.trunks):
        problems.append(Problem("trunks", "same_trunk_twice"))
    for index, trunk in enumerate(settings.trunks):
        problems += out_of_range(f"trunks.{index}.priority", trunk.priority, 0, MAX_PRIORITY)
        problems += out_of_range(f"trunks.{index}.weight", trunk.weight, 1, MAX_WEIGHT)
    return problems


def is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
