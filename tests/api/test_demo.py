"""What counts as a proof. The demo as a whole runs in tests/api/cli/test_demo.py."""

import msgspec
import pytest

from analytics.metrics import Rate
from api.demo import DemoResult, recorded_attempts
from campaigns.database import Pool
from dialer.testing.truth import Difference
from tests.postgres.campaign_rows import add_campaign, begin_attempt, number_of

RATE = Rate(numerator=1, denominator=2, denominator_name="settled_attempts", value=0.5)
PROVEN = DemoResult(
    attempts=2,
    numbers=2,
    outcomes={"answered": 1, "busy": 1},
    answered=RATE,
    answered_numbers=RATE,
    talk_seconds=6.5,
    callback_requests=1,
    refusals=0,
    duration_seconds=12.0,
    contacts=2,
    is_finished=True,
    differences=[],
)
DIFFERENCE = Difference(
    call_id="a", number="+79000000001", behaviour="busy", field="result", truth="busy", recorded="failed"
)


def test_everybody_dialed_and_no_difference_is_a_proof() -> None:
    assert PROVEN.is_proven


@pytest.mark.parametrize(
    "change",
    [
        {"is_finished": False},
        {"differences": [DIFFERENCE]},
        {"numbers": 1},
        {"numbers": 0, "contacts": 0},
    ],
)
def test_anything_less_is_none(change: dict[str, object]) -> None:
    assert not msgspec.structs.replace(PROVEN, **change).is_proven


async def test_recorded_attempts_say_unsettled_as_it_is(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=2)
    await begin_attempt(pool, campaign_id, 1, run_id=1, attempt_id=10)
    (attempt,) = await recorded_attempts(pool, campaign_id)
    assert (attempt.call_id, attempt.number) == ("a call", number_of(1))
    assert (attempt.result, attempt.answered, attempt.digits, attempt.disposition) == (None, False, "", None)
    assert await recorded_attempts(pool, campaign_id + 1) == []
