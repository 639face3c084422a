"""
How often strangers are answered: a bucket of answers for each source, one for all of them together, and silence beyond.

A request outside our calls costs an answer that its sender may have asked for in somebody else's name. So an answer is
rare (`_RATE`), never much longer than what it answers (`Responder`), and never goes where many would hear it.
"""

from ipaddress import ip_address
from typing import Final

_RATE: Final = 5.0
"""Answers a second to one source: a trunk that asks every second whether we live gets all of its own."""
_BURST: Final = 20.0
_RATE_OF_ALL: Final = 100.0
_BURST_OF_ALL: Final = 200.0
MAX_SOURCES: Final = 1_000
"""Sources beyond share the bucket of all, so that a thousand spoofed ones displace nobody."""


class _Bucket:
    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at

    def take(self, now: float, rate: float, burst: float) -> bool:
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class StrangerLimit:
    """`now` is monotonic seconds."""

    def __init__(self) -> None:
        self._sources: dict[str, _Bucket] = {}
        """The longest unheard first."""
        self._all = _Bucket(_BURST_OF_ALL, 0.0)

    def __len__(self) -> int:
        return len(self._sources)

    def allows(self, host: str, now: float) -> bool:
        """Whether to answer this source now; an answer that is allowed is counted as given."""
        bucket = self._sources.pop(host, None)
        if bucket is None:
            if len(self._sources) >= MAX_SOURCES and not self._forget_one(now):
                return self._all.take(now, _RATE_OF_ALL, _BURST_OF_ALL)
            if not is_one_host(host):
                return False
            bucket = _Bucket(_BURST, now)
        self._sources[host] = bucket
        return bucket.take(now, _RATE, _BURST) and self._all.take(now, _RATE_OF_ALL, _BURST_OF_ALL)

    def _forget_one(self, now: float) -> bool:
        """Drop the source that was unheard the longest, if its bucket has filled up: to forget it changes nothing."""
        host, bucket = next(iter(self._sources.items()))
        if bucket.tokens + (now - bucket.at) * _RATE < _BURST:
            return False
        del self._sources[host]
        return True


def is_one_host(host: str) -> bool:
    """Whether an IP address is that of a single machine: neither a group, nor everybody, nor nobody."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or host == "255.255.255.255")
