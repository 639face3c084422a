"""Audio with a real Asterisk: keys both ways, as events and as tones, other packet lengths, reports."""

import asyncio
from pathlib import Path

import pytest

from campaigns.database import Pool
from dialer import Call, CallAnswered, CallEvent, CallRequest, DtmfReceived, PlaybackFinished, Prompt
from tests.bench.campaign import make_campaign, start, until_finished
from tests.lab.conftest import ASTERISK, Line
from tests.lab.prefixes import number
from tests.postgres.dialing import running_node, settings_of

KEYS = "5*9"
"""Without #, which ends what Read() reads."""
SECOND = Prompt.from_pcm(bytes(16_000))


def request(prefix: str, caller_id: str) -> CallRequest:
    return CallRequest(number=number(prefix, 1), trunk=ASTERISK, caller_id=caller_id)


@pytest.mark.parametrize("caller_id", ["obzvon", "inband"])
async def test_keys_that_we_press_come_back_as_keys_that_we_hear(line: Line, caller_id: str) -> None:
    """7916 reads three keys and sends them back; `inband` is an endpoint that knows no telephone-events."""
    heard = ""

    def act(call: Call, event: CallEvent) -> None:
        nonlocal heard
        if isinstance(event, CallAnswered):
            call.send_digits(KEYS)
        elif isinstance(event, DtmfReceived):
            heard += event.digit
            if len(heard) == len(KEYS):
                call.hang_up()

    _, ended = await line.call(request("7916", caller_id), act)
    assert heard == KEYS
    assert ended.outcome.ended_by == "us"


async def test_forty_milliseconds_a_packet_both_ways(line: Line) -> None:
    """`ptime40` is an endpoint that asks for 40 ms; 7901 says hello."""
    placed: list[Call] = []

    def act(call: Call, event: CallEvent) -> None:
        placed.append(call)
        if isinstance(event, CallAnswered):
            call.play(SECOND)
        elif isinstance(event, PlaybackFinished):
            call.hang_up()

    _, ended = await line.call(request("7901", "ptime40"), act)
    media = ended.media
    assert media is not None
    assert placed[0].played_ms == 1_000
    assert media.packets_sent == 25
    assert media.packets_received > 0
    assert media.packets_lost == 0


async def test_reports_tell_loss_and_round_trip(line: Line) -> None:
    """Asterisk's report refers to ours, so it has read it; reports leave every five seconds on either side."""
    prompt = Prompt.from_pcm(bytes(16_000 * 60))

    def act(call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            call.play(prompt)

            def look() -> None:
                if call.media is not None and call.media.rtp.reports.round_trip_ms is not None:
                    call.hang_up()
                else:
                    asyncio.get_running_loop().call_later(0.2, look)

            look()

    _, ended = await line.call(request("7901", "obzvon"), act)
    media = ended.media
    assert media is not None
    assert media.round_trip_ms is not None
    assert media.reported_loss is not None
    assert media.is_one_way is False
    assert media.jitter_ms is not None


@pytest.mark.timeout(120)
async def test_the_stored_mos_is_that_of_the_stored_loss_and_delay(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    """
    7901 talks; we stay for two reports, so that the round trip is known. On a clean line without any delay but one packet and the
    smallest buffer, R = 93.2 - 0.024 * 40 = 92.24, and MOS = 1 + 3.2284 + 92.24 * 32.24 * 7.76 * 7e-6 = 4.39: no call is better.
    """
    campaign_id = await make_campaign(
        pool,
        trunk=(ASTERISK.host, ASTERISK.port),
        numbers=[number("7901", 1)],
        calls_per_second=1,
        hold_seconds=12,
    )
    await start(pool, campaign_id)
    async with running_node(settings_of(database, tmp_path)):
        await until_finished(pool, campaign_id, seconds=100)

    (row,) = await pool.fetch("SELECT * FROM attempts")
    assert row["media_packets_expected"] > 0
    assert row["media_packets_lost"] == 0
    assert row["media_round_trip_ms"] is not None
    assert row["media_reported_loss"] is not None
    fixed_ms = row["media_round_trip_ms"] / 2 + 20
    here = mos(0, fixed_ms + max(20, 2 * row["media_jitter_ms"]))
    there = mos(100 * row["media_reported_loss"], fixed_ms + 20)
    # half a hundredth is the rounding; the columns keep seven digits
    assert row["media_mos_hundredths"] == pytest.approx(100 * here, abs=0.501)
    assert row["media_sent_mos_hundredths"] == pytest.approx(100 * there, abs=0.501)
    assert row["media_mos_hundredths"] <= 439


def mos(loss_percent: float, delay_ms: float) -> float:
    """The E-model's MOS (ITU-T G.107) with G.711 concealed (G.113: Bpl 25.1), written out once more."""
    late = 0.11 * (delay_ms - 177.3) if delay_ms > 177.3 else 0
    r = 93.2 - 0.024 * delay_ms - late - 95 * loss_percent / (loss_percent + 25.1)
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6
