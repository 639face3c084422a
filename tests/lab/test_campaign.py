"""A whole campaign through the real Asterisk: what the report says is what the dialplan's prefixes dictate."""

import math
import struct
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analytics.report import campaign_report
from campaigns.database import Pool
from tests.bench.campaign import make_campaign, start, until_finished
from tests.lab.conftest import ASTERISK
from tests.lab.prefixes import EXPECTED, number
from tests.postgres.dialing import running_node, settings_of

pytestmark = pytest.mark.lab
CALLEES_PER_PREFIX = 4
MESSAGE = struct.pack(
    "<24000h", *(round(8000 * math.sin(index * math.tau * 440 / 8000)) for index in range(24000))
)
"""Three seconds: longer than any callee of the dialplan stays or waits before a key."""


@pytest.mark.timeout(120)
async def test_the_report_counts_what_the_dialplan_dictates(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    numbers = [number(expected.prefix, index) for expected in EXPECTED for index in range(CALLEES_PER_PREFIX)]
    campaign_id = await make_campaign(
        pool,
        trunk=(ASTERISK.host, ASTERISK.port),
        numbers=numbers,
        prompt_pcm=MESSAGE,
        calls_per_second=20,
        hold_seconds=0.5,
    )
    await start(pool, campaign_id)

    async with running_node(settings_of(database, tmp_path)):
        await until_finished(pool, campaign_id, seconds=100)

    report = await campaign_report(pool, campaign_id, time_zone="Europe/Moscow", now=datetime.now(UTC))
    dictated = Counter({expected.result: 0 for expected in EXPECTED})
    for expected in EXPECTED:
        dictated[expected.result] += CALLEES_PER_PREFIX
    assert {result: count for result, count in report.outcomes.items() if count} == dictated
    assert report.attempts == report.distinct_numbers == len(numbers)
    assert report.callback_requests == CALLEES_PER_PREFIX
    assert report.refusals == CALLEES_PER_PREFIX
    assert (report.conversion.numerator, report.conversion.denominator) == (
        CALLEES_PER_PREFIX,
        dictated["answered"],
    )

    rows = await pool.fetch("SELECT number, result, sip_status, ended_by, disposition FROM attempts")
    for expected in EXPECTED:
        of_prefix = {tuple(row)[1:] for row in rows if row["number"].startswith(f"+{expected.prefix}")}
        assert of_prefix == {expected[2:]}, expected.behaviour
    refused = {number("7907", index) for index in range(CALLEES_PER_PREFIX)}
    assert {row["number"] for row in await pool.fetch("SELECT number FROM dnc_numbers")} == refused
