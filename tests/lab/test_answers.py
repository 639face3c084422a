"""
Who answers, end to end on the real Asterisk: people, voicemails, fax, tones and silence of the dialplan come out as what they
are, and the message is found in Asterisk's own recording of the voicemail, after its beep.
"""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from campaigns.database import Pool
from campaigns.first_seconds import MAX_SAMPLES
from campaigns.verdict_sample import NOBODY
from dialer.recording.reader import Recording
from tests.bench.campaign import make_campaign, start, until_finished
from tests.lab.conftest import ASTERISK, OUT
from tests.lab.prefixes import number
from tests.postgres.dialing import KEYRING, running_node, settings_of

pytestmark = pytest.mark.lab

MESSAGE_SECONDS = 3.0
MESSAGE_HZ = 440
MESSAGE = (
    (8000 * np.sin(2 * np.pi * MESSAGE_HZ * np.arange(int(8000 * MESSAGE_SECONDS)) / 8000))
    .astype("<i2")
    .tobytes()
)
EXPECTED = {
    "7961": ("human", "short_greeting", None, MESSAGE_SECONDS),
    "7962": ("machine", "long_greeting", "voicemail_left", MESSAGE_SECONDS),
    "7963": ("tone", "sit_vacant", None, 0.0),
    "7964": ("fax", "ced", None, 0.0),
    "7965": ("silence", "no_speech", None, MESSAGE_SECONDS),
    "7966": ("tone", "busy", None, 0.0),
    "7967": ("machine", "beep", "voicemail_left", MESSAGE_SECONDS),
}
"""By prefix: answered_by, cause, disposition, seconds of the message that were played."""


@pytest.mark.timeout(150)
async def test_answers_are_told_apart_and_the_message_is_left_after_the_beep(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    callees = {prefix: number(prefix, 1) for prefix in EXPECTED}
    recordings = {prefix: OUT / f"{callees[prefix][1:]}.wav" for prefix in ("7962", "7967")}
    for recording in recordings.values():
        recording.unlink(missing_ok=True)
    campaign_id = await make_campaign(
        pool,
        trunk=(ASTERISK.host, ASTERISK.port),
        numbers=list(callees.values()),
        prompt_pcm=MESSAGE,
        calls_per_second=5,
        hold_seconds=0.5,
        answering_machine="leave_message",
    )
    await pool.execute("UPDATE campaigns SET audit_share = 1")
    await start(pool, campaign_id)

    async with running_node(settings_of(database, tmp_path)) as drained:
        await until_finished(pool, campaign_id, seconds=120)
        await drained()

    rows = {row["number"]: row for row in await pool.fetch("SELECT * FROM attempts")}
    found = {
        prefix: (
            row["answered_by"],
            row["answered_by_cause"],
            row["disposition"],
            row["message_played_ms"] / 1000,
        )
        for prefix, row in ((prefix, rows[callee]) for prefix, callee in callees.items())
    }
    assert found == EXPECTED
    assert {row["result"] for row in rows.values()} == {"answered"}

    person = rows[callees["7961"]]
    assert person["answered_time"] < person["greeting_ended_time"] < person["verdict_time"]
    assert person["speech_started_ms"] > 0
    await asyncio.sleep(0.5)  # Asterisk closes the file after our BYE
    for recording in recordings.values():
        assert_holds_the_whole_message(recording)
    assert (
        begins_seconds(recordings["7967"]) < 0.7
    )  # on trial; the beep is believed after 0.9 s (docs/adr/0043)
    await assert_nobody_can_be_heard_again(pool, tmp_path / "recordings", rows)


async def assert_nobody_can_be_heard_again(pool: Pool, directory: Path, rows: dict[str, Any]) -> None:
    """Every verdict of nobody is in the listening queue with its first seconds; of a person, and of silence, nothing is kept."""
    drawn = await pool.fetch(
        "SELECT a.number, a.answered_by_cause, r.state, r.path FROM verdict_audits v"
        " JOIN attempts a USING (shard_key, attempt_id) LEFT JOIN recordings r USING (shard_key, attempt_id)"
    )
    nobody = {number for number, row in rows.items() if row["answered_by"] in NOBODY}
    assert len(nobody) == 5
    assert {row["number"] for row in drawn} == nobody
    assert {row["state"] for row in drawn} == {"ready"}
    assert await pool.fetchval("SELECT count(*) FROM recordings") == len(nobody)
    for row in drawn:
        opened = Recording.open(directory / row["path"], KEYRING)
        assert isinstance(opened, Recording)
        with opened as sound:
            assert 8_000 < sound.samples <= MAX_SAMPLES
            pcm = sound.read_pcm(0, sound.samples)
        assert isinstance(pcm, bytes)
        callee = np.frombuffer(pcm, "<i2")[::2].astype(float)
        assert np.sqrt(np.mean(callee**2)) > 100, f"{row['answered_by_cause']} is heard"
        if row["answered_by_cause"] == "ced":
            spectrum = np.abs(np.fft.rfft(callee))
            assert abs(int(np.argmax(spectrum)) * 8000 / len(callee) - 2100) < 10


def begins_seconds(recording: Path) -> float:
    heard, rate = soundfile.read(recording)
    return float(np.argmax(np.abs(heard) > 0.05)) / float(rate)


def assert_holds_the_whole_message(recording: Path) -> None:
    """Recording begins with the beep's end: the message must be in it from its start to its end."""
    heard, rate = soundfile.read(recording)
    loud = np.abs(heard) > 0.05
    spectrum = np.abs(np.fft.rfft(heard))
    loudest_hertz = np.fft.rfftfreq(len(heard), 1 / rate)[int(np.argmax(spectrum))]
    assert abs(loudest_hertz - MESSAGE_HZ) < 5
    assert (np.flatnonzero(loud)[-1] - np.flatnonzero(loud)[0]) / rate == pytest.approx(
        MESSAGE_SECONDS, abs=0.25
    )
