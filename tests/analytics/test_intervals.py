import pytest

from analytics.intervals import mean_interval, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_there_is_no_interval_of_nothing_and_none_of_what_is_no_share() -> None:
    assert wilson(0, 0) is None
    assert wilson(3, 2) is None


def test_a_mean_has_an_interval_from_thirty_values_on() -> None:
    values = [float(n) for n in range(1, 31)]
    total, squares = sum(values), sum(value * value for value in values)
    # mean 15.5, s = sqrt(77.5), s / sqrt(30) = 1.60728
    assert mean_interval(total, squares, 30) == pytest.approx((15.5 - 3.15021, 15.5 + 3.15021), abs=1e-4)
    assert mean_interval(total, squares, 29) is None
