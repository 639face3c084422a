"""
The SIP messages of one attempt as they are kept in `call_traces`, and their way out of it again.

Numbers are whole in the table: who may see them is decided at the door (`dialer.sip.trace.masked`). Credentials never
reach it.
"""

import asyncio
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from campaigns.database import Pool
from campaigns.statements import load_statements
from dialer.sip.hop import Hop
from dialer.sip.masking import without_credentials
from dialer.sip.pcap import capture
from dialer.sip.trace import Direction, TraceRecord, read_record
from dialer.transport_config import Transport

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
CHANNEL: Final = "call_trace_request"
"""NOTIFY payload: an attempt id. The node that has the call writes what it has seen so far."""
REQUEST_SECONDS: Final = 2.0
"""How long a node may take for it; nobody answers for a call that is over."""
_POLL_SECONDS: Final = 0.1
_COMPRESSION: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Address = tuple[str, int]


class _Message(msgspec.Struct, array_like=True, frozen=True):
    after_us: int
    is_sent: bool
    remote: Address
    transport: Transport
    data: bytes


class _Messages(msgspec.Struct, array_like=True, frozen=True):
    local: Address
    messages: list[_Message]


class CallTrace(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one attempt's call. `records` count `at` from `started_time`, seconds."""

    attempt_id: int
    call_id: str
    started_time: datetime
    is_complete: bool
    local: Address
    """Of our signalling."""
    records: list[TraceRecord]

    def to_pcap(self) -> bytes:
        epoch = (self.started_time - _EPOCH) / timedelta(seconds=1)
        return capture(self.records, local=self.local, epoch=epoch)


def pack(records: Sequence[TraceRecord], local: Address) -> bytes:
    """Turn the records of a call, at least one, into a column; some 6 kB become 1.5."""
    start = records[0].at
    messages = [
        _Message(
            round((entry.at - start) * 1_000_000),
            entry.direction == "sent",
            entry.remote,
            entry.transport,
            without_credentials(entry.data),
        )
        for entry in records
    ]
    return zlib.compress(msgspec.msgpack.encode(_Messages(local, messages)), _COMPRESSION)


def unpack(data: bytes) -> tuple[Address, list[TraceRecord]]:
    """Read a column back; times begin at 0."""
    packed = msgspec.msgpack.decode(zlib.decompress(data), type=_Messages)
    directions: tuple[Direction, Direction] = ("received", "sent")
    return packed.local, [
        read_record(
            message.data,
            directions[message.is_sent],
            remote=Hop(*message.remote, message.transport),
            at=message.after_us / 1_000_000,
        )
        for message in packed.messages
    ]


def attempt_of(text: str) -> int | None:
    """Return the attempt id in an attempt id or a Call-ID of ours (`ATTEMPT-RANDOM`); None for anything else."""
    number = text.partition("-")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        return None
    attempt_id = int(number)
    return attempt_id if attempt_id < 2**63 else None


async def find_trace(pool: Pool, attempt_id: int) -> CallTrace | None:
    """Return what is stored; None where the call was not kept, or has been pruned, or never was."""
    row = await pool.fetchrow(SQL["find_trace"], attempt_id)
    if row is None:
        return None
    local, records = unpack(row["messages"])
    return CallTrace(
        attempt_id=attempt_id,
        call_id=row["call_id"],
        started_time=row["started_time"],
        is_complete=row["is_complete"],
        local=local,
        records=records,
    )


async def request_trace(pool: Pool, attempt_id: int) -> CallTrace | None:
    """Ask the node of a live call for its messages so far and wait a moment for them; else what is stored."""
    before = await pool.fetchval(SQL["trace_written"], attempt_id)
    await pool.execute(SQL["request_trace"], CHANNEL, str(attempt_id))
    for _ in range(round(REQUEST_SECONDS / _POLL_SECONDS)):
        await asyncio.sleep(_POLL_SECONDS)
        if await pool.fetchval(SQL["trace_written"], attempt_id) != before:
            break
    return await find_trace(pool, attempt_id)
