"""Settlements for tests, one argument away from an ordinary one."""

from datetime import UTC, datetime

import msgspec

from campaigns.settlement import Settlement

BUSY = Settlement(
    shard_key=256,
    started_time=datetime(2026, 11, 24, 12, tzinfo=UTC),
    attempt_id=1,
    campaign_id=1,
    call_id="1-abc",
    trunk="carrier",
    masked_number="+7916…567",
    result="busy",
    reason="sip_486",
    fault="callee",
    sip_status=486,
    ended_by="callee",
    ended_time=datetime(2026, 11, 24, 12, 0, 3, tzinfo=UTC),
)


def settlement(attempt_id: int, **changes: object) -> Settlement:
    return msgspec.structs.replace(BUSY, attempt_id=attempt_id, **changes)
