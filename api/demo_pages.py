"""
The demo with pages (`make run`): data that stays, the live page, and a campaign that the next run goes on with.

Stopping is an event: the node drains first (its calls may end), then API and carrier leave; the data stays.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from analytics.live import LiveState
from analytics.report import CampaignReport, campaign_report
from api.demo import (
    STATEMENTS,
    TRUNK_NAME,
    DemoOptions,
    create_sample_campaign,
    follow_campaign,
)
from api.stack import (
    Address,
    api_child,
    dial_child,
    free_web_port,
    lasting_database,
    sign_in_link,
    start_carrier,
)
from api.supervisor import Supervisor
from campaigns.database import Pool, open_pool
from campaigns.import_report import ImportReport
from campaigns.migrate import migrate
from campaigns.recording_settings import make_key_file
from campaigns.settings import default_spool_dir
from campaigns.store import CampaignStore

DATABASE: Final = "obzvon_demo"
NODE_NAME: Final = "demo"
HOST: Final = "127.0.0.1"


class DemoView(Protocol):
    """What somebody watching is told, in this order."""

    def key_made(self, path: Path) -> None: ...
    def imported(self, report: ImportReport) -> None: ...
    def found_again(self, status: str) -> None: ...
    def serving(self, page_url: str, sign_in_url: str, log_directory: Path) -> None: ...
    def progress(self, state: LiveState) -> None: ...
    def finished(self, report: CampaignReport) -> None: ...
    def draining(self) -> None: ...


async def run_with_pages(
    options: DemoOptions,
    environ: Mapping[str, str],
    view: DemoView,
    stop: asyncio.Event,
    *,
    fresh: bool = False,
    port: int | None = None,
) -> None:
    """
    Dial the sample base and serve its page until `stop` is set.

    `fresh` starts another campaign even if the last run left one; `port` is the pages', None = 8000 or any free one.

    Raises:
        PostgresUnavailable, MigrationFailed: no database.
        ChildFailed: a process of ours ended.
    """
    log_directory = default_spool_dir(environ).parent / "logs"
    options = msgspec.structs.replace(options, recording="all")
    if (key_file := make_key_file(environ, rng=secrets.token_bytes)) is not None:
        view.key_made(key_file)
    with tempfile.TemporaryDirectory(prefix="obzvon-demo-") as work:
        truth_path = Path(work) / "truth.jsonl"
        async with (
            lasting_database(environ, DATABASE) as dsn,
            Supervisor(log_directory, environ) as supervisor,
        ):
            await migrate(dsn, datetime.now(UTC))
            carrier = await start_carrier(supervisor, seed=options.seed, truth=truth_path)
            pool = await open_pool(dsn, application_name="obzvon-demo")
            try:
                campaign_id = await find_or_create(pool, options, carrier, view, fresh=fresh)
                web_port = port or free_web_port(HOST)
                await supervisor.start(api_child(dsn, host=HOST, port=web_port))
                base_url = f"http://{HOST}:{web_port}"
                link = await sign_in_link(pool, base_url, datetime.now(UTC))
                view.serving(f"{base_url}/campaigns/{campaign_id}", link, log_directory)
                spool_dir = default_spool_dir(environ) / DATABASE
                # started last, so stopped first: calls drain while the carrier and the page are still there
                await supervisor.start(
                    dial_child(dsn, node=NODE_NAME, spool_dir=spool_dir, loss=options.loss, seed=options.seed)
                )
                async with supervisor.watched():
                    await follow_until(stop, pool, campaign_id, view)
                view.draining()
                await supervisor.stop_all()
            finally:
                await pool.close()


async def find_or_create(
    pool: Pool, options: DemoOptions, carrier: Address, view: DemoView, *, fresh: bool
) -> int:
    """Go on with the campaign of the last run, over wherever the carrier listens now; or make one."""
    await pool.execute(STATEMENTS["move_trunk"], TRUNK_NAME, carrier.host, carrier.port)
    found: int | None = await pool.fetchval(STATEMENTS["sample_campaign"], TRUNK_NAME)
    if found is not None and not fresh:
        campaign = await CampaignStore(pool).get_campaign(found)
        view.found_again(campaign.status)
        return found
    campaign_id, imported = await create_sample_campaign(pool, options, carrier)
    view.imported(imported)
    return campaign_id


async def follow_until(stop: asyncio.Event, pool: Pool, campaign_id: int, view: DemoView) -> None:
    """Show progress, then the report; go on serving until `stop`."""

    async def follow() -> None:
        await follow_campaign(pool, campaign_id, view.progress)
        view.finished(await campaign_report(pool, campaign_id, time_zone="UTC", now=datetime.now(UTC)))

    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follow(), name="follow campaign")
        await stop.wait()
        following.cancel()
