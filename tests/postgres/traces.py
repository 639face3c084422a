"""An attempt with a stored trace, written by hand; its id tells its time, as the product's ids do."""

from datetime import UTC, datetime

from campaigns.call_trace import pack
from campaigns.database import Pool
from campaigns.snowflake import SnowflakeIds
from campaigns.trace_writer import STATEMENTS
from dialer.sip.hop import Hop
from dialer.sip.trace import read_record
from tests.postgres.analytics.facts import add_attempt

NUMBER = "+79001234567"
CALL_RANDOM = "0123abcd"
LOCAL = ("127.0.0.1", 5080)
REMOTE = Hop("127.0.0.9", 5060)


def message(first_line: str, call_id: str, cseq: str, *more: str) -> bytes:
    lines = [
        first_line,
        "Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK1",
        "From: <sip:74951112233@127.0.0.1>;tag=a",
        f"To: <sip:{NUMBER}@127.0.0.9>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq}",
        *more,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


async def add_traced_attempt(
    pool: Pool,
    campaign_id: int,
    started: str = "2026-11-24T10:00:00+03:00",
    *,
    has_trace: bool = True,
    **facts: object,
) -> int:
    """Insert a refused call of three messages; return its id."""
    started_time = datetime.fromisoformat(started).astimezone(UTC)
    attempt_id = SnowflakeIds(0).next(int(started_time.timestamp() * 1000))
    call_id = f"{attempt_id}-{CALL_RANDOM}"
    columns: dict[str, object] = {
        "number": NUMBER,
        "result": "congested",
        "sip_status": 503,
        "gate": {
            "policy": 1,
            "passed": ["dnc", "purpose"],
            "zones": ["Europe/Moscow"],
            "window": [540, 1260, [1]],
        },
        **facts,
    }
    await add_attempt(pool, campaign_id, started, attempt_id=attempt_id, call_id=call_id, **columns)  # type: ignore[arg-type]
    if has_trace:
        invite = f"INVITE sip:{NUMBER}@127.0.0.9 SIP/2.0"
        records = [
            read_record(
                message(invite, call_id, "1 INVITE", 'Authorization: Digest response="secret"'),
                "sent",
                remote=REMOTE,
                at=0.0,
            ),
            read_record(
                message("SIP/2.0 503 No Line", call_id, "1 INVITE"), "received", remote=REMOTE, at=0.25
            ),
            read_record(
                message(f"ACK sip:{NUMBER}@127.0.0.9 SIP/2.0", call_id, "1 ACK"),
                "sent",
                remote=REMOTE,
                at=0.26,
            ),
        ]
        await pool.execute(
            STATEMENTS["write_traces"],
            campaign_id * 256,
            started_time,
            [attempt_id],
            [started_time],
            [call_id],
            [started_time],
            [True],
            [pack(records, LOCAL)],
        )
    return attempt_id
