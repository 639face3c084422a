import pytest

from dialer.sip.stranger_limit import MAX_SOURCES, StrangerLimit, is_one_host


def answers(limit: StrangerLimit, host: str, count: int, now: float) -> int:
    return sum(limit.allows(host, now) for _ in range(count))


def test_a_source_gets_a_burst_of_answers_then_a_few_a_second() -> None:
    limit = StrangerLimit()
    assert answers(limit, "127.0.0.9", 1_000, 0.0) == 20
    assert answers(limit, "127.0.0.9", 1_000, 1.0) == 5
    assert answers(limit, "127.0.0.9", 1_000, 100.0) == 20


def test_one_that_floods_silences_nobody_else() -> None:
    limit = StrangerLimit()
    answers(limit, "127.0.0.9", 10_000, 0.0)
    assert limit.allows("127.0.0.8", 0.0)


def test_all_together_get_a_bounded_number_of_answers() -> None:
    limit = StrangerLimit()
    given = sum(limit.allows(f"127.1.{number // 250}.{number % 250 + 1}", 0.0) for number in range(5_000))
    assert given == 200
    assert len(limit) == MAX_SOURCES


def test_the_table_forgets_only_sources_that_have_been_quiet() -> None:
    limit = StrangerLimit()
    answers(limit, "127.0.0.8", 20, 0.0)
    for number in range(MAX_SOURCES - 1):
        limit.allows(f"127.1.{number // 250}.{number % 250 + 1}", 0.0)
    assert limit.allows("127.0.0.9", 0.1), "who finds no room draws on the bucket of all"
    assert not limit.allows("127.0.0.8", 0.1), "the silenced one has not been forgotten"

    assert limit.allows("127.0.0.9", 60.0)
    assert len(limit) == MAX_SOURCES


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.9", True),
        ("2001:db8::1", True),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::", False),
        ("name.example", False),
    ],
)
def test_groups_and_names_are_no_single_host(host: str, *, is_one: bool) -> None:
    assert is_one_host(host) is is_one
    assert StrangerLimit().allows(host, 0.0) is is_one
