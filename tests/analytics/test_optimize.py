from analytics.optimize import campaigns_of, flat
from analytics.query import Filter


def all_of(*filters: Filter) -> Filter:
    return Filter(op="and", filters=list(filters))


def negated(node: Filter) -> Filter:
    return Filter(op="not", filters=[node])


BUSY = Filter(op="is", dimension="result", values=["busy"])
ONE = Filter(op="is", dimension="campaign", values=[1])
MANY = Filter(op="in", dimension="campaign", values=[1, 2, 3])


def test_what_says_nothing_more_is_taken_out_of_a_filter() -> None:
    assert flat(all_of(all_of(BUSY, ONE), MANY)) == all_of(BUSY, ONE, MANY)
    assert flat(negated(negated(BUSY))) == BUSY
    assert flat(all_of(all_of(BUSY))) == BUSY
    assert flat(negated(all_of(BUSY))) == negated(BUSY)
    assert flat(Filter(op="or", filters=[all_of(BUSY, ONE), MANY])).filters[0] == all_of(BUSY, ONE)


def test_the_fewest_campaigns_that_a_filter_names_bound_the_scan() -> None:
    assert campaigns_of(all_of(MANY, BUSY, ONE)) == (1,)
    assert campaigns_of(MANY) == (1, 2, 3)
    assert campaigns_of(None) is None
    assert campaigns_of(BUSY) is None
    assert campaigns_of(negated(ONE)) is None
    assert campaigns_of(Filter(op="or", filters=[ONE, BUSY])) is None
