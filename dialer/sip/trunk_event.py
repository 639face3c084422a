"""What is told of a watched trunk, outside of any call. `at` is monotonic seconds."""

import msgspec


class TrunkEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Base of them all."""

    trunk: str
    """Its name."""
    at: float


class TrunkRegistrationChanged(TrunkEvent, frozen=True, kw_only=True):
    """We are registered, or why not; also told when a refresh has failed and the old binding still holds."""

    is_registered: bool
    problem: str | None = None
    """silent, unreachable, unavailable, refused, password_wrong, password_missing, challenge_unknown,
    interval_too_brief, expired; None when all is well."""
    sip_status: int | None = None


class TrunkPinged(TrunkEvent, frozen=True, kw_only=True):
    """An OPTIONS has been answered, or none of the trunk's addresses answered it."""

    rtt_ms: float | None
    """None: no answer."""
    sip_status: int | None = None
    retry_after_seconds: int | None = None
