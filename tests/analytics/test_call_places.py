"""Days of campaigns' clocks as hours of shards: no call before the end of a stretch is left out, and none is looked for twice."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.call_places import next_stretch, places_of

FIRST = datetime(2026, 2, 25, tzinfo=UTC)
MOMENTS = st.integers(0, 24 * 60 * 40).map(lambda minutes: FIRST + timedelta(minutes=minutes))
CALLS = st.lists(
    st.tuples(
        st.integers(1, 3),
        MOMENTS,
        st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters)),
    ),
    max_size=40,
)  # fmt: skip
"""shard, when, ahead of UTC"""


@given(
    CALLS,
    st.none() | MOMENTS,
    st.integers(1, 30),
    st.sets(st.dates(date(2026, 2, 25), date(2026, 4, 5)), max_size=5),
)
def test_a_stretch_holds_every_call_from_its_beginning_on(
    calls: list[tuple[int, datetime, timedelta]], before: datetime | None, wanted: int, empty: set[date]
) -> None:
    days = [(shard, (at + ahead).date()) for shard, at, ahead in calls]
    counts = Counter(day for _, day in days)
    stretch = next_stretch({**dict.fromkeys(empty, 1), **counts}, before, wanted)
    places = places_of([each for each in days if each[1] in set(stretch.days)], stretch, before)
    asked = [
        (shard, at)
        for shard, at, _ in calls
        if (before is None or at <= before) and (stretch.from_time is None or at >= stretch.from_time)
    ]
    for shard, at in asked:
        holding = [
            place
            for place in places
            if place.shard_key == shard
            and (place.from_time is None or place.from_time <= at)
            and (place.to_time is None or at < place.to_time)
        ]
        assert len(holding) == 1
    if not empty:
        assert stretch.from_time is None or len(asked) >= wanted


def test_pages_end_where_days_do() -> None:
    counts = {date(2026, 3, day): 10 for day in range(1, 29)}
    stretch = next_stretch(counts, None, 15)
    # two whole days before the first of which another one is over everywhere
    assert min(stretch.days) == date(2026, 3, 25)
    assert stretch.from_time == datetime(2026, 3, 25, 12, tzinfo=UTC)
    assert next_stretch(counts, datetime(2026, 3, 2, tzinfo=UTC), 99).from_time is None
    assert next_stretch({}, None, 1).days == []
