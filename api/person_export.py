"""
Everything that is stored of one person as one ZIP file: `person.json`, and the sound of their calls as WAV files.

Built on the disk, so that hours of sound cost no memory. What cannot be given stands in `person.json` with its reason.
"""

import asyncio
import contextlib
import tempfile
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from analytics.database import Pool
from api.recording_audio import open_recording
from api.schemas.recordings import recording_view
from api.settings import ApiSettings
from campaigns import audit
from campaigns.errors import Conflict
from campaigns.numbers import E164
from campaigns.recordings import RecordingRow, RecordingStore, note_export
from campaigns.statements import load_statements
from dialer.recording.reader import Forged
from dialer.recording.wav import read_wav, wav_size

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
BLOCK_BYTES: Final = 960_000


async def export_person(
    pool: Pool, settings: ApiSettings, number: E164, *, actor: str, now: datetime
) -> IO[bytes]:
    """Return an open ZIP file, at its beginning; who asked for it, and which sound was in it, goes into the audit."""
    contacts: list[dict[str, Any]] = []
    recordings: list[RecordingRow] = []
    store = RecordingStore(pool)
    for contact in await pool.fetch(SQL["contacts_of_person"], number):
        attempts = await pool.fetch(SQL["attempts_of_person"], contact["shard_key"], contact["contact_id"])
        contacts.append({**dict(contact), "attempts": [row["attempt"] for row in attempts]})
        recordings += await store.of_contact(contact["shard_key"], contact["contact_id"])
    refusal = await pool.fetchval(SQL["refusal_of_person"], number)
    person = {
        "number": number,
        "exported_time": now,
        "contacts": contacts,
        "do_not_call": refusal,
        "recordings": [msgspec.to_builtins(recording_view(row, shows_numbers=True)) for row in recordings],
    }
    file, given = await asyncio.to_thread(build_zip, settings, person, recordings)
    async with pool.acquire() as connection, connection.transaction():
        for entry in contacts:
            exported = {"contact_id": entry["contact_id"], "is_exported": True}
            await audit.record(
                connection, now, actor, "export", ("campaign", entry["campaign_id"]), {}, exported
            )
        for recording_id in given:
            await note_export(connection, recording_id, actor=actor, now=now)
    return file


def build_zip(
    settings: ApiSettings, person: dict[str, Any], recordings: list[RecordingRow]
) -> tuple[IO[bytes], list[int]]:
    """Write the file; return it with the ids of the recordings whose sound is in it. Blocking."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile(prefix="obzvon-person-"))
        given: list[int] = []
        left_out: list[dict[str, str]] = []
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for row in recordings:
                reason = write_sound(archive, settings, row)
                if reason is None:
                    given.append(row.recording_id)
                else:
                    left_out.append({"recording_id": str(row.recording_id), "reason": reason})
            content = msgspec.json.encode({**person, "sound_left_out": left_out})
            archive.writestr("person.json", msgspec.json.format(content, indent=2))
        file.seek(0)
        stack.pop_all()
        return file, given


def write_sound(archive: zipfile.ZipFile, settings: ApiSettings, row: RecordingRow) -> str | None:
    """Add one call's sound; return why not. A second that was changed is left out as silence is not: the file ends there."""
    try:
        recording = open_recording(settings.recordings, row)
    except Conflict as error:
        return str(error.params.get("reason", error.code))
    with recording, archive.open(f"recordings/{row.recording_id}.wav", "w", force_zip64=True) as entry:
        for start in range(0, wav_size(recording), BLOCK_BYTES):
            block = read_wav(recording, start, min(start + BLOCK_BYTES, wav_size(recording)))
            if isinstance(block, Forged):
                return f"forged_from_second_{block.chunk}"
            entry.write(block)
    return None


async def stream_file(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Give the file in blocks, and close it."""
    with file:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block
