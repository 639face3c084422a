"""`obzvon doctor`: look at the installation as a campaign would find it, and say what is wrong and what to do."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from api.catalogue import Catalogue, language_of_environment, text
from api.cli.front import EXIT_INTERRUPTED, log_warnings_only
from api.stack import lasting_database
from campaigns.copy_check import check_copies
from campaigns.doctor import examine
from campaigns.embedded_postgres import default_data_dir
from campaigns.errors import InvalidSettings, PostgresUnavailable, Problem
from campaigns.findings import Finding, found
from campaigns.recording_storage import read_copy_settings
from campaigns.settings import NodeSettings, default_spool_dir, load_node_settings
from dialer.config import DialerConfig

LANGUAGE: Final = language_of_environment(os.environ)
DATABASE: Final = "obzvon"
"""The one of `obzvon serve`."""


@click.command(help=text("cli.doctor.help", LANGUAGE))
@click.option("--json", "as_json", is_flag=True, help=text("cli.doctor.json.help", LANGUAGE))
def doctor(as_json: bool) -> None:
    log_warnings_only()
    try:
        findings = asyncio.run(examine_installation(os.environ))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    problems = sum(finding.level == "problem" for finding in findings)
    if as_json:
        report = {"is_healthy": not problems, "findings": [as_object(finding) for finding in findings]}
        click.echo(msgspec.json.encode(report))
    else:
        for finding in findings:
            click.echo("\n".join(lines_of(finding)))
        click.echo(
            text("doctor.problems", LANGUAGE, count=problems)
            if problems
            else text("doctor.healthy", LANGUAGE)
        )
    sys.exit(1 if problems else 0)


async def examine_installation(environ: Mapping[str, str]) -> list[Finding]:
    """Read the settings as a node would, find the database as `obzvon serve` would, and examine both."""
    is_embedded = not environ.get("DATABASE_URL")
    dialer, spool_dir, recordings = DialerConfig(), default_spool_dir(environ), None
    findings = []
    try:
        settings = load_settings(environ)
        dialer, spool_dir, recordings = settings.dialer, settings.spool_dir, settings.recordings
    except InvalidSettings as error:
        findings += [wrong_setting(problem.field, problem.code, problem.params) for problem in error.problems]
    copy_problems: list[Problem] = []
    copies = read_copy_settings(environ, copy_problems)
    findings += [wrong_setting(problem.field, problem.code, problem.params) for problem in copy_problems]
    directories = [spool_dir, *([default_data_dir(environ)] if is_embedded else [])]
    async with database_of(environ, findings) as url:
        findings += await examine(
            url,
            dialer,
            directories,
            recordings,
            rng=secrets.token_bytes,
            wall_clock=lambda: datetime.now(UTC),
        )
    findings += await check_copies(copies, secrets.token_hex(4))
    if is_embedded:
        # the server is ours and its database is missing: the next obzvon serve makes it
        unmade = found("database_missing")
        findings = [found("database_not_made") if finding == unmade else finding for finding in findings]
    return findings


def load_settings(environ: Mapping[str, str]) -> NodeSettings:
    # the address is not looked at here: without one there is the embedded server
    return load_node_settings(
        "doctor", {"DATABASE_URL": "embedded", **{k: v for k, v in environ.items() if v}}
    )


def wrong_setting(name: str, code: str, params: Mapping[str, Any]) -> Finding:
    return found(
        "setting_wrong", name=name, sentence=text(f"cli.setting.{code}", LANGUAGE, name=name, **params)
    )


@asynccontextmanager
async def database_of(environ: Mapping[str, str], findings: list[Finding]) -> AsyncIterator[str | None]:
    """Give the address of the database; None, and a finding, where there is none. An embedded server is not made here."""
    cluster = default_data_dir(environ) / "cluster" / "PG_VERSION"
    if not environ.get("DATABASE_URL") and not is_there(cluster):
        findings.append(found("database_not_made"))
        yield None
        return
    database = lasting_database(environ, DATABASE)
    try:
        url = await database.__aenter__()
    except PostgresUnavailable as error:
        findings.append(found("database_not_startable", reason=error.code, remedy=error.remedy))
        yield None
        return
    try:
        yield url
    finally:
        await database.__aexit__(None, None, None)


def is_there(path: Path) -> bool:
    """Tell whether a file exists; what may not be looked at is there."""
    try:
        return path.exists()
    except PermissionError:
        return True


def lines_of(finding: Finding) -> list[str]:
    """Write a finding for people, its remedy below it."""
    written = as_object(finding)
    lines = [f"{text(f'doctor.level.{finding.level}', LANGUAGE):10} {written['text']}"]
    return lines if written["remedy"] is None else [*lines, f"{'':10} → {written['remedy']}"]


def as_object(finding: Finding) -> dict[str, Any]:
    """Everything of a finding; `text` and `remedy` are for people, the rest is stable."""
    remedy = f"doctor.{finding.code}.remedy"
    return {
        "area": finding.area,
        "level": finding.level,
        "code": finding.code,
        "facts": finding.facts,
        "text": text(f"doctor.{finding.code}", LANGUAGE, **finding.facts),
        "remedy": text(remedy, LANGUAGE, **finding.facts) if Catalogue.load().has(remedy) else None,
    }
