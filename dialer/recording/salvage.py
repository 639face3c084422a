"""
What a killed process left of its recordings: files that were never closed, read to their last whole second.

Blocking; at the start, before anything new is recorded under the same name.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from dialer.recording.container import CHUNK_SAMPLES, HEADER_BYTES, Gap, slot_at, slots_of, unpack_header
from dialer.recording.keyring import Keyring
from dialer.recording.reader import Forged, Recording, Unreadable
from dialer.recording.recorder import part_directory
from dialer.recording.recording_file import PART_SUFFIX, ClosedFile, forget_part

CUT: Final = "cut"


class Salvaged(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was found, and is still where it was. Where `file` has no samples nothing vouches for the ids."""

    path: Path
    recording_id: int
    started_ms: int
    owner: bytes
    key_id: str
    file: ClosedFile


def parts_left(directory: Path, node_name: str) -> list[Path]:
    """List the files that this node has not closed: its last life's, and those that it writes now."""
    try:
        return sorted(part_directory(directory, node_name).glob(f"*{PART_SUFFIX}"))
    except OSError:
        return []


def forget_parts(directory: Path, node_name: str, recording_ids: Iterable[int]) -> None:
    """Drop the first names of recordings whose end is written down."""
    for recording_id in recording_ids:
        forget_part(part_directory(directory, node_name) / f"{recording_id}{PART_SUFFIX}")


def examine(path: Path, keyring: Keyring | None) -> Salvaged | None:
    """Look at a file as it is; None where it is no recording of ours, or the disk says no. Half a second at its end is cut off."""
    try:
        with path.open("rb") as file:
            header = unpack_header(file.read(HEADER_BYTES))
        if header is None:
            return None
        return Salvaged(
            path=path,
            recording_id=header.recording_id,
            started_ms=header.started_ms,
            owner=header.owner,
            key_id=header.key_id,
            file=_measure(path, keyring),
        )
    except OSError:
        return None


def _measure(path: Path, keyring: Keyring | None) -> ClosedFile:
    recording = Unreadable("unknown_key") if keyring is None else Recording.open(path, keyring)
    if isinstance(recording, Unreadable):
        return ClosedFile(samples=0, gaps=(), cause=recording.code, size_bytes=None, sha256=None)
    with recording:
        samples, gaps = recording.samples, list(recording.gaps)
        whole = slots_of(samples)
        # power may have failed, too: the last seconds were perhaps never on the disk
        while (
            recording.is_cut
            and whole
            and isinstance(recording.read_g711((whole - 1) * CHUNK_SAMPLES, 1), Forged)
        ):
            whole -= 1
        if recording.is_cut:
            samples = whole * CHUNK_SAMPLES
    if recording.is_cut:
        with path.open("rb+") as file:
            file.truncate(slot_at(whole))
    cause = CUT if recording.is_cut else (gaps[0].reason if gaps else None)
    return ClosedFile(
        samples=samples,
        gaps=tuple(
            Gap(gap.start_sample, gap.samples, gap.reason) for gap in gaps if gap.end_sample <= samples
        ),
        cause=cause if samples else "no_sound",
        size_bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).digest(),
    )
