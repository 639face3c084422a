"""
What arrived of one stream, counted as RFC 3550 says: sequence numbers (A.1), loss (A.3), interarrival jitter (A.8).

A packet in its turn costs one comparison; all else happens when one is missing, early, late or double.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

_MAX_DROPOUT: Final = 3_000
"""A greater step forward is another stream (A.1), one minute of audio here."""
_MAX_REMEMBERED_GAPS: Final = 256
"""How many missing packets are still expected; the older ones are lost. Five seconds of audio."""
_MAX_OVERTAKEN: Final = 16
"""By so many a stream's first packet may be overtaken: a third of a second."""
SAMPLE_RATE_HZ: Final = 8_000
_MAX_TRANSIT_STEP: Final = SAMPLE_RATE_HZ
"""More than a second between two packets' transit times is a step of a clock, no jitter."""


class ReceptionReport(NamedTuple):
    """What a report block says (RFC 3550 §6.4.1), of one stream."""

    fraction_lost: int
    """Since the last report, in 1/256."""
    cumulative_lost: int
    highest_sequence: int
    """Extended by the count of wraps, 32 bits."""
    jitter: int
    """In samples."""


class Reception:
    """
    The counters of a peer's audio. They go on when the peer begins another stream (`restart`).

    `note` takes what arrives out of turn, too. Any sequence of calls leaves
    `received == expected - lost + duplicated` and all four not negative.
    """

    __slots__ = (
        "_base",
        "_expected_at_report",
        "_expected_before",
        "_jitter_16",
        "_missing",
        "_received_at_report",
        "_suspect",
        "_transit",
        "_wraps",
        "duplicated",
        "late",
        "next_sequence",
        "received",
        "restarts",
    )

    def __init__(self) -> None:
        self.received = 0
        """All packets, duplicates included."""
        self.duplicated = 0
        self.late = 0
        """Arrived after one that was sent later; they are not lost."""
        self.restarts = 0
        """How often the stream began anew: another SSRC, or a leap of its sequence numbers."""
        self.next_sequence = -1
        """What is in its turn; -1 before the first packet."""
        self._base = 0
        self._wraps = 0
        self._missing: OrderedDict[int, None] = OrderedDict()
        self._suspect = -1
        self._expected_before = 0
        self._expected_at_report = self._received_at_report = 0
        self._transit: int | None = None
        self._jitter_16 = 0

    @property
    def expected(self) -> int:
        """How many were sent to us, as far as sequence numbers tell."""
        if self.next_sequence < 0:
            return self._expected_before
        return self._expected_before + (self._wraps << 16) + self.next_sequence - self._base

    @property
    def lost(self) -> int:
        return self.expected - (self.received - self.duplicated)

    @property
    def jitter_samples(self) -> int:
        """Interarrival jitter (A.8)."""
        return self._jitter_16 >> 4

    @property
    def jitter_ms(self) -> float | None:
        """None before two packets were timed."""
        if self._transit is None:
            return None
        return round(self._jitter_16 / 16 * 1000 / SAMPLE_RATE_HZ, 2)

    def restart(self, sequence: int) -> None:
        """Begin with another stream, whose first packet is `sequence`; what was counted stays."""
        self._expected_before = self.expected
        self.restarts += self.next_sequence >= 0
        self._base = self.next_sequence = sequence
        self._wraps = 0
        self._missing.clear()
        self._suspect = -1
        self._transit = None

    def take_in_turn(self, count: int) -> None:
        """Count packets that came one after the other, each in its turn."""
        self.received += count
        self._advance(count)

    def note(self, sequence: int) -> bool:
        """Count one packet; False when it is a duplicate, or of a leap that may be nothing (A.1)."""
        if self.next_sequence < 0:
            self.restart(sequence)
        step = (sequence - self.next_sequence) & 0xFFFF
        if step < _MAX_DROPOUT:
            # a longer leap's first numbers would be forgotten at once
            for offset in range(max(0, step - _MAX_REMEMBERED_GAPS), step):
                self._missing[(self.next_sequence + offset) & 0xFFFF] = None
            while len(self._missing) > _MAX_REMEMBERED_GAPS:
                self._missing.popitem(last=False)
            self._advance(step + 1)
        elif sequence in self._missing:
            del self._missing[sequence]
            self.late += 1
        elif self._precedes_the_first(sequence):
            for missing in range(self._base - 1, self._base - ((self._base - sequence) & 0xFFFF), -1):
                self._missing[missing & 0xFFFF] = None
            self._wraps += sequence > self._base  # the numbers have gone through 0 since
            self._base = sequence
            self.late += 1
        elif step >= 0x10000 - _MAX_DROPOUT:  # behind us, and not missing
            self.duplicated += 1
            self.received += 1
            return False
        elif sequence == self._suspect:
            self.restart(sequence)
            self._advance(1)
        else:
            # one alone may be garbage; its successor proves that the peer began anew
            self._suspect = (sequence + 1) & 0xFFFF
            return False
        self.received += 1
        return True

    def time(self, timestamp: int, arrival_seconds: float) -> None:
        """
        Take the arrival time of a packet into the jitter.

        RFC 3550 A.8 takes every packet; from a regular sample of them (every eighth, say) the mean is the same, because
        the difference of two packets' transit times does not grow with what lies between them.
        """
        transit = (int(arrival_seconds * SAMPLE_RATE_HZ) - timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            step = abs((transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
            if step < _MAX_TRANSIT_STEP:
                self._jitter_16 += step - ((self._jitter_16 + 8) >> 4)
        self._transit = transit

    def take_report(self) -> ReceptionReport:
        """Return the figures for a report block, and begin its next interval (A.3)."""
        expected, unique = self.expected, self.received - self.duplicated
        in_interval = expected - self._expected_at_report
        lost = in_interval - (unique - self._received_at_report)
        self._expected_at_report, self._received_at_report = expected, unique
        return ReceptionReport(
            fraction_lost=min(255, max(0, (lost << 8) // in_interval)) if in_interval > 0 else 0,
            cumulative_lost=min(0x7FFFFF, max(0, self.lost)),
            highest_sequence=((self._wraps << 16) + self.next_sequence - 1) & 0xFFFFFFFF,
            jitter=min(self.jitter_samples, 0xFFFFFFFF),
        )

    def _precedes_the_first(self, sequence: int) -> bool:
        """Whether it was overtaken by the packet that we took for the stream's first."""
        before = (self._base - sequence) & 0xFFFF
        received = (self._wraps << 16) + self.next_sequence - self._base
        return 0 < before <= _MAX_OVERTAKEN and received < _MAX_REMEMBERED_GAPS

    def _advance(self, count: int) -> None:
        following = self.next_sequence + count
        self._wraps += following >> 16
        self.next_sequence = following & 0xFFFF
