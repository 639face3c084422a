"""`obzvon trace`: the SIP ladder of a call of a campaign, by its attempt id or its Call-ID."""

import os
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from analytics.attempt_details import AttemptDetails
from api.call_lookup import find_attempt, trace_of
from api.catalogue import language_of_environment, text
from api.cli.database import with_pool
from api.schemas.calls import trace_view
from campaigns.call_trace import CallTrace
from campaigns.database import Pool
from campaigns.numbers import mask
from dialer.sip.trace import ladder

LANGUAGE: Final = language_of_environment(os.environ)


@click.command("trace", help=text("cli.trace.help", LANGUAGE))
@click.argument("call")
@click.option("--full", is_flag=True, help=text("cli.trace.full.help", LANGUAGE))
@click.option(
    "--pcap", "pcap_file", type=click.Path(path_type=Path), help=text("cli.trace.pcap.help", LANGUAGE)
)
@click.option("--json", "as_json", is_flag=True, help=text("cli.trace.json.help", LANGUAGE))
@click.option("--show-numbers", "shows_numbers", is_flag=True, help=text("cli.trace.numbers.help", LANGUAGE))
def trace(call: str, full: bool, pcap_file: Path | None, as_json: bool, shows_numbers: bool) -> None:
    async def read(pool: Pool) -> tuple[AttemptDetails, CallTrace | None]:
        details = await find_attempt(pool, call.strip())
        return details, await trace_of(pool, details, shows_numbers=shows_numbers)

    details, found = with_pool(read, application_name="obzvon-trace")
    if found is None:
        click.echo(text("cli.trace.not_kept", LANGUAGE, id=details.attempt_id), err=True)
        sys.exit(1)
    if pcap_file is not None:
        try:
            pcap_file.write_bytes(found.to_pcap())
        except OSError as error:
            reason = error.strerror or error
            click.echo(text("cli.call.file_unwritable", LANGUAGE, file=pcap_file, error=reason), err=True)
            sys.exit(2)
    if as_json:
        click.echo(msgspec.json.encode(trace_view(found)))
        return
    click.echo(headline(details, found, shows_numbers=shows_numbers))
    click.echo(ladder(found.records))
    if full:
        for entry in found.records:
            click.echo(f"\n{'─' * 72}\n{entry.data.decode('utf-8', 'replace')}".rstrip())


def headline(details: AttemptDetails, found: CallTrace, *, shows_numbers: bool) -> str:
    """Say whose call it is and what came of it."""
    number = details.number if shows_numbers else mask(details.number)
    result = "pages.calls.under_way" if details.result is None else f"pages.result.{details.result}"
    return text(
        "cli.trace.headline",
        LANGUAGE,
        number=number,
        campaign=details.campaign_name,
        trunk=details.trunk_name or details.trunk_id,
        time=f"{found.started_time:%Y-%m-%d %H:%M:%S} UTC",
        result=text(result, LANGUAGE),
        reason=details.reason or "",
        call_id=details.call_id,
    )
