"""What recording needs of an installation: keys that fit, and room. For `obzvon doctor`."""

import os
from collections.abc import Collection, Sequence
from typing import Final

from campaigns.findings import Finding, found
from campaigns.recording_settings import RecordingSettings
from dialer.recording.container import SLOT_BYTES
from dialer.recording.recorder import free_bytes

MAX_NAMED: Final = 5
MIN_HOURS: Final = 10.0
"""Of calls, for which there should be room: less is gone in an hour of ten lines."""
_BYTES_PER_HOUR: Final = SLOT_BYTES * 3_600
_OTHERS: Final = 0o077


def check_recording_keys(
    settings: RecordingSettings, campaigns: Sequence[str], key_ids: Collection[str]
) -> list[Finding]:
    """`campaigns` are those that record; `key_ids` those of the recordings that there are."""
    keyring = settings.keyring
    findings = []
    if keyring is None and campaigns:
        findings.append(found("recording_key_missing", campaigns=list(campaigns[:MAX_NAMED])))
    elif keyring is not None:
        findings.append(
            found(
                "recording_key_there",
                key=keyring.current_id,
                needed=sorted(key_ids)[:MAX_NAMED] or ["—"],
            )
        )
    lost = sorted(set(key_ids) - set(keyring.key_ids if keyring is not None else ()))
    if lost:
        findings.append(found("recording_key_lost", keys=lost[:MAX_NAMED]))
    if settings.key_file is not None and settings.key_file.stat().st_mode & _OTHERS:
        findings.append(found("recording_key_open", path=str(settings.key_file)))
    return findings


def check_recording_room(settings: RecordingSettings) -> list[Finding]:
    """Look at the disk of the recordings; blocking. Nothing where nothing can be recorded."""
    if settings.keyring is None:
        return []
    wanted = settings.directory.absolute()
    directory = next(path for path in (wanted, *wanted.parents) if path.exists())
    path = str(settings.directory)
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        return [found("recordings_unwritable", path=path)]
    hours = round(max(0.0, free_bytes(directory) - settings.keep_free_bytes) / _BYTES_PER_HOUR, 1)
    code = "recordings_roomy" if hours >= MIN_HOURS else "recordings_full"
    return [found(code, path=path, hours=hours)]
