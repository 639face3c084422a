import pytest

from campaigns.trace_policy import TracePolicy
from dialer.outcome import Fault, Result


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        ("failed", "local"),
        ("unknown", "local"),
        ("congested", "trunk"),
        ("unreachable", "trunk"),
        ("abandoned", "none"),
        ("rejected", "trunk"),
        ("rejected", "indeterminate"),
    ],
)
def test_every_trouble_is_kept_whatever_the_share(result: Result, fault: Fault) -> None:
    assert TracePolicy(share=0.0).keeps(result, fault, 0.999)


@pytest.mark.parametrize(
    ("result", "fault"), [("answered", "none"), ("busy", "callee"), ("no_answer", "callee")]
)
def test_of_ordinary_calls_a_share_is_kept(result: Result, fault: Fault) -> None:
    policy = TracePolicy(share=0.25)
    assert policy.keeps(result, fault, 0.2499)
    assert not policy.keeps(result, fault, 0.25)
    assert not TracePolicy(share=0.0).keeps(result, fault, 0.0)
