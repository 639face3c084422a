import math
import random

import pytest

from campaigns.settlement import Settlement
from campaigns.verdict_sample import NOBODY, with_draw
from tests.campaigns.settlements import settlement

MACHINE = settlement(1, result="answered", answered_by="machine")


def never(_size: int) -> bytes:
    raise AssertionError("no chance is asked")


@pytest.mark.parametrize("answered_by", [None, "human", "unsure", "silence"])
def test_who_was_treated_as_a_person_is_not_drawn(answered_by: str | None) -> None:
    heard = settlement(1, answered_by=answered_by)
    assert with_draw(heard, 1.0, never) == heard


def test_a_campaign_that_audits_nothing_draws_nothing() -> None:
    assert with_draw(MACHINE, 0.0, never) == MACHINE


@pytest.mark.parametrize("answered_by", sorted(NOBODY))
def test_a_share_of_one_draws_every_verdict_of_nobody(answered_by: str) -> None:
    drawn = with_draw(settlement(1, answered_by=answered_by), 1.0, lambda size: b"\xff" * size)
    assert drawn.audit_share == 1.0


def test_the_share_that_was_drawn_with_is_kept_and_is_the_share_that_is_drawn() -> None:
    rng = random.Random(4)
    share, calls = 0.05, 20_000
    drawn: list[Settlement] = [with_draw(MACHINE, share, rng.randbytes) for _ in range(calls)]
    kept = [one.audit_share for one in drawn if one.audit_share is not None]
    assert set(kept) == {share}
    # five standard errors of a binomial count
    assert abs(len(kept) - share * calls) < 5 * math.sqrt(share * (1 - share) * calls)
