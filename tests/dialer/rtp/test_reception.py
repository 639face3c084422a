"""Counting one stream: RFC 3550 A.1, A.3, A.8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.reception import Reception


def noted(*sequences: int) -> Reception:
    reception = Reception()
    for sequence in sequences:
        reception.note(sequence)
    return reception


def figures(reception: Reception) -> tuple[int, int, int, int, int]:
    return reception.expected, reception.received, reception.lost, reception.late, reception.duplicated


@pytest.mark.parametrize(
    ("sequences", "expected_received_lost_late_duplicated"),
    [
        ([], (0, 0, 0, 0, 0)),
        ([7], (1, 1, 0, 0, 0)),
        ([7, 8, 9], (3, 3, 0, 0, 0)),
        ([7, 9], (3, 2, 1, 0, 0)),
        ([7, 9, 8], (3, 3, 0, 1, 0)),
        ([7, 8, 8], (2, 3, 0, 0, 1)),
        ([7, 9, 8, 8], (3, 4, 0, 1, 1)),
        ([65534, 65535, 0, 1], (4, 4, 0, 0, 0)),
        ([65535, 1, 0], (3, 3, 0, 1, 0)),
        ([7, 6], (2, 2, 0, 1, 0)),  # the first was overtaken: late, and no duplicate of anything
        ([7, 8, 5], (4, 3, 1, 1, 0)),
        ([7, 5, 6, 6], (3, 4, 0, 2, 1)),
        ([1, 65535, 0], (3, 3, 0, 2, 0)),
        ([40, 41, 20], (2, 3, 0, 0, 1)),  # nobody is overtaken by so many
        ([7, 1_007, 1_006, 751, 750], (1001, 5, 997, 2, 1)),  # of a long gap the last 256 are remembered
        ([7, 20_000, 8], (2, 2, 0, 0, 0)),  # one leap alone is nothing
        ([7, 20_000, 20_001, 20_002], (3, 3, 0, 0, 0)),  # two make another stream
    ],
)
def test_what_arrived_is_counted(
    sequences: list[int], expected_received_lost_late_duplicated: tuple[int, int, int, int, int]
) -> None:
    assert figures(noted(*sequences)) == expected_received_lost_late_duplicated


def test_another_stream_adds_to_the_first() -> None:
    reception = noted(7, 9)
    reception.restart(40_000)
    for sequence in (40_000, 40_001):
        reception.note(sequence)
    assert figures(reception) == (5, 4, 1, 0, 0)
    assert reception.restarts == 1


def test_a_report_says_what_was_lost_since_the_last_one() -> None:
    reception = noted(0, 1, 2, 7)
    first = reception.take_report()
    assert (first.fraction_lost, first.cumulative_lost, first.highest_sequence) == (128, 4, 7)
    for sequence in range(8, 12):
        reception.note(sequence)
    second = reception.take_report()
    assert (second.fraction_lost, second.cumulative_lost, second.highest_sequence) == (0, 4, 11)


def test_the_highest_sequence_number_counts_its_wraps() -> None:
    assert noted(65_535, 0, 1).take_report().highest_sequence == (1 << 16) + 1


def test_a_steady_stream_has_no_jitter_and_a_shaken_one_that_of_the_rfc() -> None:
    assert Reception().jitter_ms is None
    steady = Reception()
    for index in range(50):
        steady.time(160 * index, 10.0 + 0.02 * index)
    assert steady.jitter_ms is not None
    assert steady.jitter_ms < 0.13  # one sample, by rounding
    shaken = Reception()
    for index in range(400):
        shaken.time(160 * index, 10.0 + 0.02 * index + (0.01 if index % 2 else 0.0))
    assert shaken.jitter_ms == pytest.approx(10.0, abs=0.2)  # every step is 10 ms, so is their mean


def test_a_step_of_the_senders_clock_is_no_jitter() -> None:
    reception = Reception()
    for index in range(10):
        reception.time((160 * index + (0x80000000 if index >= 5 else 0)) & 0xFFFFFFFF, 0.02 * index)
    assert reception.jitter_samples <= 1


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("note"), st.integers(0, 0xFFFF)),
            st.tuples(st.just("near"), st.integers(-300, 300)),
            st.tuples(st.just("restart"), st.integers(0, 0xFFFF)),
            st.tuples(st.just("report"), st.just(0)),
            st.tuples(st.just("time"), st.integers(0, 0xFFFFFFFF)),
        ),
        max_size=200,
    )
)
def test_any_order_loss_and_repetition_leaves_sound_figures(inputs: list[tuple[str, int]]) -> None:
    reception = Reception()
    for kind, value in inputs:
        if kind in {"note", "near"}:
            sequence = value if kind == "note" else max(reception.next_sequence, 0) + value
            reception.note(sequence & 0xFFFF)
        elif kind == "restart":
            reception.restart(value)
            reception.note(value)
        elif kind == "report":
            report = reception.take_report()
            assert 0 <= report.fraction_lost <= 255
            assert 0 <= report.highest_sequence < 1 << 32
        else:
            reception.time(value, value / 8_000)
        assert min(figures(reception)) >= 0
        assert reception.received == reception.expected - reception.lost + reception.duplicated
        assert len(reception._missing) <= 256


@given(st.permutations(list(range(65_500, 65_536)) + list(range(20))), st.sets(st.integers(0, 55)))
def test_a_shuffled_stream_loses_what_was_lost_and_no_more(order: list[int], dropped: set[int]) -> None:
    kept = [sequence for index, sequence in enumerate(order) if index not in dropped]
    reception = noted(65_499, *kept, 20)
    assert reception.lost == len(dropped)
    assert reception.duplicated == 0
