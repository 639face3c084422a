"""`obzvon recordings`: find, export, hold, release, delete what is overdue, verify, and see which keys are needed."""

import getpass
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn, get_args

import click
import msgspec

from api.call_lookup import find_attempt
from api.catalogue import language_of_environment, text
from api.cli.database import EXIT_USAGE, say, with_pool
from api.cli.front import log_warnings_only
from api.recording_audio import open_recording
from api.recording_file import write_wav
from api.schemas.recordings import RecordingView, recording_view
from campaigns.database import Pool
from campaigns.errors import Conflict, InvalidSettings, Problem
from campaigns.recording_keeper import DueOfCampaign, RecordingKeeper
from campaigns.recording_settings import RecordingSettings, load_recording_settings
from campaigns.recording_storage import CopySettings, CopyStorage, StorageFailed, read_copy_settings
from campaigns.recording_verify import Verified, verify
from campaigns.recordings import KeyUse, RecordingFilter, RecordingState, RecordingStore, note_export
from dialer.recording.reader import Recording

LANGUAGE: Final = language_of_environment(os.environ)
APPLICATION: Final = "obzvon-recordings"
EXIT_FOUND: Final = 1
MAX_ID: Final = 2**63 - 1
MAX_WHY: Final = 500
_MEGABYTE: Final = 1_000_000

recording_id_argument = click.argument("recording_id", type=click.IntRange(1, MAX_ID))
json_option = click.option("--json", "as_json", is_flag=True, help=text("cli.recordings.json.help", LANGUAGE))
user_option = click.option("--user", help=text("cli.recordings.user.help", LANGUAGE))
why_option = click.option("--why", required=True, help=text("cli.recordings.why.help", LANGUAGE))
copies_help = text("cli.recordings.copies.help", LANGUAGE)


@click.group(help=text("cli.recordings.help", LANGUAGE))
def recordings() -> None:
    log_warnings_only()  # what is written to the terminal is the answer


def of_period(command: Callable[..., None]) -> Callable[..., None]:
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--to", "to_day", type=day, help=text("cli.recordings.to.help", LANGUAGE)),
        click.option("--from", "from_day", type=day, help=text("cli.recordings.from.help", LANGUAGE)),
        click.option(
            "--campaign",
            "campaign_id",
            type=click.IntRange(1, 2**23 - 1),
            help=text("cli.recordings.campaign.help", LANGUAGE),
        ),
    ):
        command = option(command)
    return command


@recordings.command("list", help=text("cli.recordings.list.help", LANGUAGE))
@of_period
@click.option(
    "--state", type=click.Choice(get_args(RecordingState)), help=text("cli.recordings.state.help", LANGUAGE)
)
@click.option("--held", "is_held", is_flag=True, help=text("cli.recordings.held.help", LANGUAGE))
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help=text("cli.recordings.limit.help", LANGUAGE),
)
@json_option
def list_recordings(
    campaign_id: int | None,
    from_day: datetime | None,
    to_day: datetime | None,
    state: RecordingState | None,
    is_held: bool,
    limit: int,
    as_json: bool,
) -> None:
    which = filter_of(campaign_id, from_day, to_day)
    which = msgspec.structs.replace(which, state=state, is_held=True if is_held else None)

    async def read(pool: Pool) -> list[RecordingView]:
        views: list[RecordingView] = []
        async for row in RecordingStore(pool).all_of(which):
            if len(views) == limit:
                say("cli.recordings.more", limit=limit)
                break
            views.append(recording_view(row, shows_numbers=False))
        return views

    views = with_pool(read, application_name=APPLICATION)
    if as_json:
        click.echo(msgspec.json.encode(views))
        return
    if not views:
        say("cli.recordings.none")
    names = (
        "recording_id",
        "attempt_id",
        "started_time",
        "campaign",
        "number",
        "seconds",
        "state",
        "kept_until",
    )
    say_table(
        names,
        [
            (
                view.recording_id, view.attempt_id, moment(view.started_time), view.campaign_name, view.number or "—",
                "—" if view.duration_ms is None else str(view.duration_ms // 1000), state_words(view),
                text("cli.recordings.is_held", LANGUAGE) if view.is_held else str(view.kept_until),
            )
            for view in views
        ],
    )  # fmt: skip


@recordings.command(help=text("cli.recordings.export.help", LANGUAGE))
@click.argument("attempt_id")
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help=text("cli.recordings.out.help", LANGUAGE),
)
@why_option
@user_option
def export(attempt_id: str, directory: Path, why: str, user: str | None) -> None:
    reason, actor, settings = reason_of(why), actor_of(user), settings_or_leave()

    async def write(pool: Pool) -> None:
        details = await find_attempt(pool, attempt_id.strip())
        rows = await RecordingStore(pool).of_attempt(details.shard_key, details.attempt_id)
        if not rows:
            raise Conflict("call_not_recorded", id=details.attempt_id)
        for row in rows:
            place = directory / f"call-{row.attempt_id}-{row.recording_id}.wav"
            with open_recording(settings, row) as recording:
                # who took it is known before it is there
                async with pool.acquire() as connection:
                    await note_export(
                        connection, row.recording_id, actor=actor, now=datetime.now(UTC), why=reason
                    )
                size = write_or_leave(recording, place)
            say("cli.recordings.exported", bytes=size)
            click.echo(place)

    with_pool(write, application_name=APPLICATION)


def write_or_leave(recording: Recording, place: Path) -> int:
    try:
        return write_wav(recording, place)
    except FileExistsError:
        say("cli.recordings.file_exists", file=place)
    except OSError as error:
        say("cli.call.file_unwritable", file=place, error=error.strerror or error)
    sys.exit(EXIT_USAGE)


@recordings.command(help=text("cli.recordings.hold.help", LANGUAGE))
@recording_id_argument
@why_option
@user_option
def hold(recording_id: int, why: str, user: str | None) -> None:
    reason, actor, now = reason_of(why), actor_of(user), datetime.now(UTC)
    row = with_pool(
        lambda pool: RecordingStore(pool).hold(recording_id, reason, actor=actor, now=now),
        application_name=APPLICATION,
    )
    say("cli.recordings.now_held", id=recording_id, why=row.held_why, by=row.held_by)


@recordings.command(help=text("cli.recordings.release.help", LANGUAGE))
@recording_id_argument
@user_option
def release(recording_id: int, user: str | None) -> None:
    actor, now = actor_of(user), datetime.now(UTC)
    row = with_pool(
        lambda pool: RecordingStore(pool).release(recording_id, actor=actor, now=now),
        application_name=APPLICATION,
    )
    say("cli.recordings.now_released", id=recording_id, day=row.kept_until)


@recordings.command("delete-due", help=text("cli.recordings.delete_due.help", LANGUAGE))
@click.option("--yes", "is_meant", is_flag=True, help=text("cli.recordings.yes.help", LANGUAGE))
@json_option
@user_option
def delete_due(is_meant: bool, as_json: bool, user: str | None) -> None:
    actor, settings, copies = actor_of(user), settings_or_leave(), copies_or_leave()

    async def work(pool: Pool) -> tuple[list[DueOfCampaign], list[DueOfCampaign]]:
        keeper = RecordingKeeper(
            pool,
            settings.directory,
            lambda: datetime.now(UTC),
            None if copies is None else CopyStorage(copies),
            copies_expire=copies is not None and copies.expires,
        )
        due = await keeper.due()
        if is_meant:
            await keeper.delete_due(actor=actor)
        return due, await keeper.due() if is_meant else due

    due, left = with_storage(work)
    before, after = sum(each.recordings for each in due), sum(each.recordings for each in left)
    if as_json:
        click.echo(msgspec.json.encode({"due": due, "deleted": before - after, "is_dry_run": not is_meant}))
    else:
        say_table(
            ("campaign_id", "campaign", "recordings", "megabytes", "oldest"),
            [
                (
                    str(each.campaign_id), each.campaign_name, str(each.recordings),
                    f"{each.size_bytes / _MEGABYTE:.1f}", moment(each.oldest_time),
                )
                for each in due
            ],
        )  # fmt: skip
        if not is_meant:
            say("cli.recordings.would_delete", count=before)
        else:
            say("cli.recordings.deleted", count=before - after)
    if is_meant and after:
        say("cli.recordings.not_deleted", count=after)
        sys.exit(EXIT_FOUND)


@recordings.command("verify", help=text("cli.recordings.verify.help", LANGUAGE))
@of_period
@click.option("--copies", "with_copies", is_flag=True, help=copies_help)
@json_option
def verify_recordings(
    campaign_id: int | None,
    from_day: datetime | None,
    to_day: datetime | None,
    with_copies: bool,
    as_json: bool,
) -> None:
    which, settings = filter_of(campaign_id, from_day, to_day), settings_or_leave()
    copies = copies_or_leave() if with_copies else None
    if with_copies and copies is None:
        say("cli.recordings.no_copies")
        sys.exit(EXIT_USAGE)

    async def work(pool: Pool) -> tuple[Counter[str], list[Verified]]:
        storage = None if copies is None else CopyStorage(copies)
        counts: Counter[str] = Counter()
        bad = []
        async for each in verify(pool, settings.directory, storage, which):
            counts[each.verdict] += 1
            if not each.is_good:
                bad.append(each)
        return counts, bad

    counts, bad = with_storage(work)
    if as_json:
        click.echo(msgspec.json.encode({"files": counts.total(), "verdicts": counts, "bad": bad}))
    else:
        say_table(
            ("recording_id", "attempt_id", "started_time", "place", "verdict", "path"),
            [
                (
                    str(each.recording_id), str(each.attempt_id), moment(each.started_time),
                    text(f"cli.recordings.place.{each.place}", LANGUAGE),
                    " ".join(filter(None, (text(f"cli.recordings.verdict.{each.verdict}", LANGUAGE), each.error))),
                    each.path,
                )
                for each in bad
            ],
        )  # fmt: skip
        say("cli.recordings.verified", count=counts.total(), bad=len(bad), bare=counts["no_checksum"])
    sys.exit(EXIT_FOUND if bad else 0)


@recordings.command("keys", help=text("cli.recordings.keys.help", LANGUAGE))
@json_option
def list_keys(as_json: bool) -> None:
    keyring = settings_or_leave().keyring
    ours = () if keyring is None else keyring.key_ids
    current = None if keyring is None else keyring.current_id
    used = with_pool(lambda pool: RecordingStore(pool).keys(), application_name=APPLICATION)
    uses = {each.key_id: each for each in used}
    lost = [key_id for key_id in uses if key_id not in ours]
    spare = [key_id for key_id in ours if key_id not in uses and key_id != current]
    if as_json:
        report = {"current": current, "ours": ours, "uses": used, "lost": lost, "unneeded": spare}
        click.echo(msgspec.json.encode(report))
    else:
        say_table(
            ("key", "state", "recordings", "held", "oldest", "newest"),
            [key_row(key_id, uses.get(key_id), ours, current) for key_id in dict.fromkeys((*ours, *uses))],
        )
        if spare:
            say("cli.recordings.keys_unneeded", keys=spare)
    if lost:
        say("cli.recordings.keys_lost", keys=lost)
        sys.exit(EXIT_FOUND)


def key_row(key_id: str, use: KeyUse | None, ours: Sequence[str], current: str | None) -> tuple[str, ...]:
    state = "current" if key_id == current else "old" if key_id in ours else "lost"
    words = text(f"cli.recordings.key.{state}", LANGUAGE)
    if use is None:
        return key_id, words, "0", "0", "—", "—"
    return key_id, words, str(use.recordings), str(use.held), moment(use.oldest_time), moment(use.newest_time)


def with_storage(work: Callable[[Pool], Any]) -> Any:
    """Do something that may need the storage of copies, or say why that cannot be used and leave."""
    try:
        return with_pool(work, application_name=APPLICATION)
    except StorageFailed as failed:
        say("cli.recordings.storage_unusable", reason=text(f"recordings.copy_error.{failed.code}", LANGUAGE))
        sys.exit(EXIT_USAGE)


def filter_of(campaign_id: int | None, from_day: datetime | None, to_day: datetime | None) -> RecordingFilter:
    """Read the options of a period: whole days by UTC, both included."""
    if from_day is not None and to_day is not None and to_day < from_day:
        say("cli.recordings.period_reversed")
        sys.exit(EXIT_USAGE)
    return RecordingFilter(
        campaign_id=campaign_id,
        from_time=None if from_day is None else from_day.replace(tzinfo=UTC),
        to_time=None if to_day is None else to_day.replace(tzinfo=UTC) + timedelta(days=1),
    )


def reason_of(why: str) -> str:
    reason = why.strip()
    if not 0 < len(reason) <= MAX_WHY:
        say("cli.recordings.why_wrong", limit=MAX_WHY)
        sys.exit(EXIT_USAGE)
    return reason


def actor_of(user: str | None) -> str:
    """Return who stands in the audit log: whoever is named, else the system's user."""
    name = (user or "").strip()
    if not name:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            name = f"uid {os.getuid()}"
    return f"cli:{name[:60]}"


def settings_or_leave() -> RecordingSettings:
    try:
        return load_recording_settings(os.environ)
    except InvalidSettings as error:
        leave(error.problems)


def copies_or_leave() -> CopySettings | None:
    problems: list[Problem] = []
    copies = read_copy_settings(os.environ, problems)
    if problems:
        leave(problems)
    return copies


def leave(problems: Sequence[Problem]) -> NoReturn:
    for problem in problems:
        say(f"cli.setting.{problem.code}", name=problem.field, **problem.params)
    sys.exit(EXIT_USAGE)


def state_words(view: RecordingView) -> str:
    words = text(f"cli.recordings.state.{view.state}", LANGUAGE)
    return words if view.cause is None else f"{words} ({view.cause})"


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def say_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write aligned columns under their names; nothing where there are no rows."""
    if not rows:
        return
    heads = [text(f"cli.recordings.column.{name}", LANGUAGE) for name in names]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
