"""Sentences and tables that the demo ends with, in both languages."""

import io

import msgspec
import pytest
from rich.console import Console

from analytics.live import LeadCounts, LiveState
from analytics.metrics import Rate
from api.cli.terminal import CampaignProgress, print_figures, share_text, verdict_lines
from tests.api.test_demo import DIFFERENCE, PROVEN


def state(done: int) -> LiveState:
    return LiveState(
        leads=LeadCounts(total=10, pending=10 - done, dialing=0, finished=done, blocked=0),
        attempts=done,
        open_attempts=0,
        answered=Rate(numerator=done, denominator=done, denominator_name="settled_attempts", value=None),
        outcomes={},
        callback_requests=0,
        refusals=0,
        last_attempts=[],
    )


def test_without_a_terminal_progress_is_plain_lines_and_the_last_one_is_always_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with CampaignProgress("en") as progress:
        for done in (0, 1, 2, 10, 10):
            progress(state(done))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "0 of 10 · calling 0 · answered 0 · call back 0",
        "10 of 10 · calling 0 · answered 10 · call back 0",
    ]


@pytest.mark.parametrize(("language", "word"), [("en", "Busy"), ("ru", "Занято")])
def test_figures_are_a_table_in_the_users_language(language: str, word: str) -> None:
    text = io.StringIO()
    print_figures(Console(file=text, width=80), PROVEN, language)
    assert word in text.getvalue()
    assert "50.0 %" in text.getvalue()


def test_a_rate_without_a_denominator_has_no_percentage() -> None:
    nothing = Rate(numerator=0, denominator=0, denominator_name="settled_attempts", value=None)
    assert share_text(nothing, "en") == "0 of 0 (- %)"


def test_a_proof_is_said_in_one_sentence() -> None:
    assert verdict_lines(PROVEN, "en") == ["Every recorded attempt equals what the carrier saw."]


def test_every_failing_is_said() -> None:
    failed = msgspec.structs.replace(PROVEN, is_finished=False, numbers=1, differences=[DIFFERENCE])
    assert verdict_lines(failed, "en") == [
        "The campaign did not finish in time.",
        "1 of 2 numbers were dialed.",
        "1 fact differs from what the carrier saw:",
        "+79000000001 (busy), call a: result was busy, recorded as failed",
    ]
    assert "5 фактов" in "\n".join(
        verdict_lines(msgspec.structs.replace(PROVEN, differences=[DIFFERENCE] * 5), "ru")
    )
