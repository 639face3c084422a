"""Bytes in, values out: what was sealed opens again, and nothing else does."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dialer.recording.container import (
    CHUNK_SAMPLES,
    END_BYTES,
    HEADER_BYTES,
    MAX_GAPS,
    PLAIN_BYTES,
    REASONS,
    SLOT_BYTES,
    Gap,
    Header,
    Seal,
    Trailer,
    merged,
    slot_at,
    slots_of,
    trailer_bytes,
    unpack_header,
)

KEY = bytes(range(32))
HEADER = Header(recording_id=7, key_id="k1", salt=b"s" * 16, started_ms=1, owner=b"o" * 32)
PLAIN = bytes(index % 251 for index in range(PLAIN_BYTES))

gaps = st.builds(Gap, st.integers(0, 2**40), st.integers(1, 2**40), st.sampled_from(REASONS))
headers = st.builds(
    Header,
    recording_id=st.integers(0, 2**64 - 1),
    key_id=st.text("abcXYZ019._-", min_size=1, max_size=16),
    salt=st.binary(min_size=16, max_size=16),
    started_ms=st.integers(0, 2**63),
    owner=st.binary(min_size=32, max_size=32),
)


@given(headers)
def test_a_header_comes_back_as_it_was(header: Header) -> None:
    packed = header.pack()
    assert len(packed) == HEADER_BYTES
    assert unpack_header(packed) == header


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_none(data: bytes) -> None:
    header = unpack_header(data)
    assert header is None or header.pack() == data[:HEADER_BYTES]


@given(st.binary(max_size=200).map(lambda tail: b"obzvrec\x01" + tail))
def test_any_bytes_after_the_magic_are_a_header_or_none(data: bytes) -> None:
    header = unpack_header(data)
    assert header is None or header.pack() == data[:HEADER_BYTES]


@given(headers, st.integers(0, 2**32), st.binary(max_size=60), st.integers(0, PLAIN_BYTES - 60))
def test_a_chunk_comes_back_as_it_was(header: Header, number: int, noise: bytes, at: int) -> None:
    plain = PLAIN[:at] + noise + PLAIN[at + len(noise) :]
    sealed = Seal(KEY, header).seal_chunk(number, plain)
    assert len(sealed) == SLOT_BYTES
    assert Seal(KEY, header).open_chunk(number, sealed) == plain


@given(st.integers(0, SLOT_BYTES - 1), st.integers(1, 255))
def test_a_changed_chunk_does_not_open(at: int, change: int) -> None:
    seal = Seal(KEY, HEADER)
    sealed = bytearray(seal.seal_chunk(3, PLAIN))
    sealed[at] ^= change
    assert seal.open_chunk(3, bytes(sealed)) is None


@given(st.binary(max_size=100))
def test_no_bytes_of_somebody_else_open(data: bytes) -> None:
    seal = Seal(KEY, HEADER)
    assert seal.open_chunk(0, data) is None
    assert seal.open_trailer(data) is None


def test_a_chunk_opens_in_its_place_and_its_file_alone() -> None:
    sealed = Seal(KEY, HEADER).seal_chunk(3, PLAIN)
    other_salt = Header(recording_id=7, key_id="k1", salt=b"t" * 16, started_ms=1, owner=b"o" * 32)
    other_id = Header(recording_id=8, key_id="k1", salt=b"s" * 16, started_ms=1, owner=b"o" * 32)
    assert Seal(KEY, HEADER).open_chunk(4, sealed) is None
    assert Seal(KEY, other_salt).open_chunk(3, sealed) is None
    assert Seal(KEY, other_id).open_chunk(3, sealed) is None
    assert Seal(bytes(32), HEADER).open_chunk(3, sealed) is None


@given(st.integers(0, 2**60), st.lists(gaps, max_size=20))
def test_a_trailer_comes_back_as_it_was(samples: int, some: list[Gap]) -> None:
    seal, trailer = Seal(KEY, HEADER), Trailer(samples, tuple(some))
    sealed = seal.seal_trailer(trailer)
    length = trailer_bytes(sealed[-END_BYTES:])
    assert length == len(sealed) - END_BYTES
    assert seal.open_trailer(sealed[:length]) == trailer


@given(st.binary(max_size=2 * END_BYTES))
def test_any_end_is_a_length_or_none(end: bytes) -> None:
    assert trailer_bytes(end) is None or end.endswith(b"obzvend\x01")


@given(st.lists(gaps, max_size=20))
def test_merged_gaps_are_apart_in_order_and_cover_the_same_samples(some: list[Gap]) -> None:
    told = merged(some)
    assert all(one.end_sample < other.start_sample for one, other in itertools.pairwise(told))
    for gap in some:
        assert any(one.start_sample <= gap.start_sample and gap.end_sample <= one.end_sample for one in told)
    assert sum(gap.samples for gap in told) <= sum(gap.samples for gap in some)


def test_there_are_never_more_gaps_than_a_trailer_holds() -> None:
    told = merged(Gap(2 * number, 1, "overload") for number in range(MAX_GAPS + 5))
    assert len(told) == MAX_GAPS
    assert told[-1].end_sample == 2 * (MAX_GAPS + 4) + 1


def test_any_sample_is_found_by_arithmetic() -> None:
    assert [slots_of(samples) for samples in (0, 1, CHUNK_SAMPLES, CHUNK_SAMPLES + 1)] == [0, 1, 1, 2]
    assert slot_at(2) == HEADER_BYTES + 2 * SLOT_BYTES
