from campaigns.node_state import NodeState, StageCounts, count_stages


def test_no_calls_have_no_entries() -> None:
    assert count_stages([]) == NodeState(campaigns={}, trunks={})


def test_calls_are_counted_by_campaign_and_by_trunk() -> None:
    state = count_stages([(1, 7, "dialing"), (1, 7, "talking"), (2, 7, "ringing"), (1, 8, "talking")])
    assert state.campaigns == {
        1: StageCounts(dialing=1, talking=2),
        2: StageCounts(ringing=1),
    }
    assert state.trunks == {7: StageCounts(dialing=1, ringing=1, talking=1), 8: StageCounts(talking=1)}


def test_counts_add_up_over_nodes() -> None:
    counts = StageCounts(dialing=1)
    counts.add(StageCounts(dialing=2, ringing=3, talking=4))
    assert (counts, counts.total) == (StageCounts(dialing=3, ringing=3, talking=4), 10)
