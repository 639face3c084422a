from analytics.metrics import METRICS, rate
from api.catalogue import LANGUAGES, Catalogue


def test_a_rate_is_its_numerator_over_its_denominator() -> None:
    answered = rate("answered_by_attempt", {"answered_attempts": 3, "settled_attempts": 4})
    assert (answered.numerator, answered.denominator, answered.value) == (3, 4, 0.75)
    assert answered.denominator_name == "settled_attempts"


def test_a_rate_of_nothing_is_null() -> None:
    assert (
        rate("callback_requests_per_answer", {"callback_requests": 0, "answered_attempts": 0}).value is None
    )


def test_the_parts_of_a_rate_are_metrics_themselves() -> None:
    shares = [metric for metric in METRICS.values() if metric.unit == "share"]
    assert len(shares) >= 10
    for metric in shares:
        assert metric.numerator in METRICS
        assert metric.denominator in METRICS
        assert metric.is_null_when == f"{metric.denominator} = 0"


def test_every_metric_is_explained_in_both_languages() -> None:
    catalogue = Catalogue.load()
    for language in LANGUAGES:
        for name in METRICS:
            assert f"metrics.{name}.title" in catalogue.forms[language]
            assert f"metrics.{name}.definition" in catalogue.forms[language]
