"""
The demo: a sample campaign over the simulated carrier, and the proof that what was recorded is what happened.

The pieces are the product's own (import, store, dialing node, report); only the far end and the base are made up.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from analytics.live import LiveState, live_state
from analytics.metrics import Rate
from analytics.report import CampaignReport, campaign_report
from api.sample_base import sample_base, sample_message
from api.stack import Address, dial_child, start_carrier, throw_away_database
from api.supervisor import Supervisor
from campaigns.contact_import import ContactImport
from campaigns.database import Pool, open_pool
from campaigns.import_report import ImportReport
from campaigns.migrate import migrate
from campaigns.models import NewCampaign, RecordingPolicy, RetryRule
from campaigns.statements import load_statements
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk
from dialer.testing.truth import Difference, RecordedAttempt, compare, read_truth

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))

TRUNK_NAME: Final = "simulated-carrier"
POLL_SECONDS: Final = 0.5
RING_TIMEOUT_SECONDS: Final = 15.0
"""The shortest there is; callees who answer at all do so within 4 s."""
KEY_WAIT_SECONDS: Final = 3.0
_SLOWEST_CALL_SECONDS: Final = 32.0
"""64*T1: an INVITE that nobody answers."""
_PATIENCE_SECONDS: Final = 180.0
"""Beyond what the rates ask for, on a machine that is busy with other things."""

RETRY_RULES: Final[Mapping[str, RetryRule]] = {
    "busy": RetryRule(delay_seconds=3, max_attempts=2),
    "no_answer": RetryRule(delay_seconds=3, max_attempts=2),
    "congested": RetryRule(delay_seconds=2, max_attempts=4),
}
"""As a real campaign's, only that nobody wants to wait for an hour."""


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of the demo is like."""

    contacts: int = 300
    seed: int = 7
    """Of the base, the population and the losses."""
    loss: float = 0.0
    """Share of datagrams, signalling and sound, that the dialer's side drops in each direction."""
    max_calls_per_second: float = 10.0
    max_concurrent_calls: int = 100
    recording: RecordingPolicy = "none"
    base_has_faults: bool = True
    """A few rows that the import has to refuse."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a campaign, in short; definitions in `analytics.metrics`."""

    attempts: int
    numbers: int
    outcomes: dict[str, int]
    """Attempts by result; those that did not happen are left out."""
    answered: Rate
    """Of the settled attempts."""
    answered_numbers: Rate
    talk_seconds: float
    callback_requests: int
    refusals: int


class DemoResult(Figures, frozen=True, kw_only=True):
    """What `obzvon demo --headless --json` prints."""

    duration_seconds: float
    """From the start of the campaign to its end."""
    contacts: int
    """Accepted by the import."""
    is_finished: bool
    """False if the campaign did not end in time."""
    differences: list[Difference]
    """Facts on which the database and the carrier's truth disagree."""

    @property
    def is_proven(self) -> bool:
        """Everybody was dialed, and every recorded fact is what happened."""
        return self.is_finished and not self.differences and self.numbers == self.contacts > 0


Progress = Callable[[LiveState], None]


async def run_headless(options: DemoOptions, environ: Mapping[str, str], progress: Progress) -> DemoResult:
    """
    Dial a whole base in a throw-away database and compare every attempt with the carrier's truth.

    Raises:
        PostgresUnavailable, MigrationFailed: no database.
        ChildFailed: a process of ours ended.
    """
    with tempfile.TemporaryDirectory(prefix="obzvon-demo-") as directory:
        work = Path(directory)
        truth_path = work / "truth.jsonl"
        async with throw_away_database(environ) as dsn, Supervisor(work / "logs", environ) as supervisor:
            carrier = await start_carrier(supervisor, seed=options.seed, truth=truth_path)
            await migrate(dsn, datetime.now(UTC))
            pool = await open_pool(dsn, application_name="obzvon-demo")
            try:
                campaign_id, imported = await create_sample_campaign(pool, options, carrier)
                node = dial_child(
                    dsn, node="demo", spool_dir=work / "spool", loss=options.loss, seed=options.seed
                )
                await supervisor.start(node)
                started_at = time.monotonic()
                is_finished = await wait_until_finished(pool, campaign_id, options, supervisor, progress)
                duration_seconds = time.monotonic() - started_at
                # the node first: what it still has to say is said to a living carrier
                await supervisor.stop(node.name)
                await supervisor.stop("carrier")
                differences = compare(read_truth(truth_path), await recorded_attempts(pool, campaign_id))
                report = await campaign_report(pool, campaign_id, time_zone="UTC", now=datetime.now(UTC))
            finally:
                await pool.close()
    return DemoResult(
        **msgspec.structs.asdict(figures_of(report)),
        contacts=imported.rows_accepted,
        duration_seconds=round(duration_seconds, 1),
        is_finished=is_finished,
        differences=differences,
    )


async def create_sample_campaign(
    pool: Pool, options: DemoOptions, carrier: Address, *, name: str = "Sample campaign"
) -> tuple[int, ImportReport]:
    """Create trunk, message and campaign, import the base from its CSV, start. Returns the campaign and the import."""
    store = CampaignStore(pool)
    now = datetime.now(UTC)
    trunks = {trunk.name: trunk for trunk in await store.list_trunks()}
    trunk = trunks.get(TRUNK_NAME) or await store.create_trunk(
        NewTrunk(
            name=TRUNK_NAME,
            host=carrier.host,
            port=carrier.port,
            caller_id="+74950000000",
            max_calls_per_second=options.max_calls_per_second,
            max_channels=options.max_concurrent_calls,
        ),
        now,
    )
    prompt = await store.add_prompt("Chimes", sample_message(), now)
    campaign = await store.create_campaign(
        NewCampaign(
            name=name,
            trunk_id=trunk.trunk_id,
            prompt_id=prompt.prompt_id,
            # simulated people never sleep
            window_start_minute=0,
            window_end_minute=24 * 60,
            window_weekdays=(1, 2, 3, 4, 5, 6, 7),
            max_calls_per_second=options.max_calls_per_second,
            max_concurrent_calls=options.max_concurrent_calls,
            ring_timeout_seconds=RING_TIMEOUT_SECONDS,
            key_wait_seconds=KEY_WAIT_SECONDS,
            retry_rules=dict(RETRY_RULES),
            recording=options.recording,
        ),
        now,
    )
    base = sample_base(options.contacts, options.seed, with_faults=options.base_has_faults)
    imported = await ContactImport(pool).run(campaign.campaign_id, one_chunk(base), "sample-base.csv", now)
    await store.set_status(campaign.campaign_id, "start", datetime.now(UTC))
    return campaign.campaign_id, imported


async def wait_until_finished(
    pool: Pool, campaign_id: int, options: DemoOptions, supervisor: Supervisor, progress: Progress
) -> bool:
    """
    Report progress until the campaign is finished. False when that takes longer than its rates can explain.

    Raises:
        ChildFailed: a process of ours ended.
    """
    give_up_seconds = (
        4 * options.contacts / options.max_calls_per_second + 4 * _SLOWEST_CALL_SECONDS + _PATIENCE_SECONDS
    )
    try:
        async with supervisor.watched(), asyncio.timeout(give_up_seconds):
            await follow_campaign(pool, campaign_id, progress)
    except TimeoutError:
        return False
    return True


async def follow_campaign(pool: Pool, campaign_id: int, progress: Progress) -> None:
    """Report progress, twice a second, until the campaign is finished."""
    store = CampaignStore(pool)
    while True:
        campaign = await store.get_campaign(campaign_id)
        progress(await live_state(pool, campaign_id))
        if campaign.status == "finished":
            return
        await asyncio.sleep(POLL_SECONDS)


async def recorded_attempts(pool: Pool, campaign_id: int) -> list[RecordedAttempt]:
    rows = await pool.fetch(STATEMENTS["recorded_attempts"], campaign_id)
    return [msgspec.convert(dict(row), RecordedAttempt) for row in rows]


async def one_chunk(data: bytes) -> AsyncIterator[bytes]:
    yield data


def figures_of(report: CampaignReport) -> Figures:
    return Figures(
        attempts=report.attempts,
        numbers=report.distinct_numbers,
        outcomes={result: attempts for result, attempts in report.outcomes.items() if attempts},
        answered=report.answered_by_attempt,
        answered_numbers=report.answered_by_number,
        talk_seconds=round(report.talk_seconds.sum, 3),
        callback_requests=report.callback_requests,
        refusals=report.refusals,
    )
