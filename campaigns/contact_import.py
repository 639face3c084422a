"""
Importing a base: a CSV file becomes contacts and leads, and every row that was not taken is kept with its reason.

1. The file is received to disk (a slow sender holds no transaction), and judged as a whole.
2. Its rows go in by batches, in one transaction: all of the file or nothing of it.
3. Whether a number is there already is the database's answer, so memory does not grow with the base.
"""

import asyncio
import io
import itertools
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Final, cast

import msgspec
import structlog

from campaigns.attribution import Attribution, attribution_of
from campaigns.database import Connection, Pool
from campaigns.errors import Conflict, ImportRefused
from campaigns.import_file import ImportOptions, receive_file
from campaigns.import_report import MAX_REPORTED_ROWS, ImportReport, RejectedRow
from campaigns.import_rows import Row, Table, open_table, shown
from campaigns.models import Campaign
from campaigns.numbers import E164, Rejection, normalise
from campaigns.snowflake import SLOTS_PER_CAMPAIGN, shard_key
from campaigns.statements import load_statements
from campaigns.store import CampaignStore

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
BATCH_ROWS: Final = 2_000
MEMORY_BYTES: Final = 4_194_304
"""A bigger file goes to the disk."""
MAX_FILE_NAME_CHARS: Final = 200


class Candidate(msgspec.Struct, frozen=True):
    """A row whose number can be dialed."""

    line: int
    raw: str
    number: E164
    fields: dict[str, str]
    attribution: Attribution

    def rejected(self, code: str) -> RejectedRow:
        return RejectedRow(line=self.line, value=shown(self.raw), code=code)


class Batch(msgspec.Struct, frozen=True):
    """Some rows of the file, read."""

    candidates: list[Candidate]
    rejections: list[RejectedRow]

    def __bool__(self) -> bool:
        return bool(self.candidates or self.rejections)


class ContactImport:
    """Imports files into campaigns of one database."""

    def __init__(self, pool: Pool, options: ImportOptions | None = None) -> None:
        self._pool = pool
        self._options = options or ImportOptions()

    async def run(
        self, campaign_id: int, chunks: AsyncIterator[bytes], file_name: str, now: datetime
    ) -> ImportReport:
        """
        Import one file; new contacts are due at once.

        Raises:
            NotFound: no such campaign.
            Conflict: `import_in_progress`, another file is being imported into it.
            ImportRefused: the file cannot be a base; codes at `receive_file` and `open_table`, and `encoding_wrong`
                (encoding): the file is not in the encoding that the options say.
        """
        campaign = await CampaignStore(self._pool).get_campaign(campaign_id)
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
            encoding = await receive_file(chunks, file, self._options)
            # TRICKY: a wrapper that is collected closes its file; this one lives as long as the file does
            text = io.TextIOWrapper(cast("IO[bytes]", file), encoding=encoding, newline="")
            try:
                table = open_table(text, self._options, campaign.default_country)
                async with self._pool.acquire() as connection, connection.transaction():
                    report = await import_table(connection, campaign, table, encoding, file_name, now)
            except UnicodeDecodeError as error:
                raise ImportRefused("encoding_wrong", encoding=encoding) from error
        log.info(
            "contacts.imported",
            campaign_id=campaign_id,
            import_id=report.import_id,
            rows_accepted=report.rows_accepted,
            rows_rejected=report.rows_rejected,
        )
        return report


async def import_table(
    connection: Connection, campaign: Campaign, table: Table, encoding: str, file_name: str, now: datetime
) -> ImportReport:
    """Import the rows within the caller's transaction."""
    campaign_id = campaign.campaign_id
    if not await connection.fetchval(SQL["try_lock_imports"], campaign_id):
        raise Conflict("import_in_progress")
    name = file_name.replace("\0", "")[:MAX_FILE_NAME_CHARS]
    number_column = table.names[table.number_index]
    import_id = await connection.fetchval(
        SQL["begin_import"],
        campaign_id,
        name,
        encoding,
        table.delimiter,
        number_column,
        list(table.warnings),
        now,
    )
    last_id = await connection.fetchval(SQL["last_contact_id"], campaign_id, campaign.split)
    contact_ids = itertools.count(last_id + 1)
    counts: Counter[str] = Counter()
    reported: list[RejectedRow] = []
    rows_accepted = 0
    # In a thread: the loop of the API process goes on serving while numbers are parsed.
    while batch := await asyncio.to_thread(read_batch, table, campaign.default_country):
        refused = await add_candidates(connection, campaign, import_id, batch.candidates, contact_ids, now)
        rejections = sorted([*batch.rejections, *refused], key=lambda row: row.line)
        rows_accepted += len(batch.candidates) - len(refused)
        counts.update(row.code for row in rejections)
        reported += rejections[: MAX_REPORTED_ROWS - len(reported)]
        await connection.copy_records_to_table(
            "import_rejections",
            records=[
                (campaign_id * SLOTS_PER_CAMPAIGN, import_id, row.line, row.value, row.code, row.params)
                for row in rejections
            ],
        )
    rows_rejected = counts.total()
    if rows_accepted + rows_rejected == 0:
        raise ImportRefused("no_rows")
    await connection.execute(
        SQL["finish_import"],
        import_id,
        rows_accepted + rows_rejected,
        rows_accepted,
        rows_rejected,
        dict(counts),
    )
    await connection.execute(SQL["wake_nodes"], campaign_id)
    return ImportReport(
        import_id=import_id,
        campaign_id=campaign_id,
        file_name=name,
        encoding=encoding,
        delimiter=table.delimiter,
        number_column=number_column,
        warnings=table.warnings,
        rows_total=rows_accepted + rows_rejected,
        rows_accepted=rows_accepted,
        rows_rejected=rows_rejected,
        rejected_counts=dict(counts),
        created_time=now,
        rejected=tuple(reported),
    )


def read_batch(table: Table, default_country: str) -> Batch:
    """Read the next rows; an empty batch means the end."""
    batch = Batch([], [])
    for row in itertools.islice(table.rows, BATCH_ROWS):
        judged = row if isinstance(row, RejectedRow) else judge(row, table, default_country)
        if isinstance(judged, RejectedRow):
            batch.rejections.append(judged)
        else:
            batch.candidates.append(judged)
    return batch


def judge(row: Row, table: Table, default_country: str) -> Candidate | RejectedRow:
    """Say whether a row can be a contact, by itself."""
    cells = row.cells
    width = len(table.names)
    # Spreadsheets pad rows with empty cells: those beyond the header are no fault, a filled or a missing one is.
    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
        return RejectedRow(
            line=row.line,
            value=shown(table.delimiter.join(cells)),
            code="column_count",
            params={"expected": width, "found": len(cells)},
        )
    raw = cells[table.number_index]
    number = normalise(raw, default_country)
    if isinstance(number, Rejection):
        return RejectedRow(line=row.line, value=shown(raw), code=number.code)
    fields = dict(zip(table.names, cells, strict=False))
    del fields[table.names[table.number_index]]
    return Candidate(row.line, raw, number, fields, attribution_of(fields, table.attribution_columns, number))


async def add_candidates(
    connection: Connection,
    campaign: Campaign,
    import_id: int,
    candidates: list[Candidate],
    contact_ids: Iterator[int],
    now: datetime,
) -> list[RejectedRow]:
    """Add what is new and allowed; return the rest with the reason."""
    found = await connection.fetch(SQL["refused_numbers"], [candidate.number for candidate in candidates])
    dnc = {row["number"] for row in found}
    rejections = []
    shards: defaultdict[int, dict[int, Candidate]] = defaultdict(dict)
    for candidate in candidates:
        if candidate.number in dnc:
            rejections.append(candidate.rejected("in_dnc"))
        else:
            shard = shard_key(campaign.campaign_id, candidate.number, campaign.split)
            shards[shard][next(contact_ids)] = candidate
    for shard, by_id in shards.items():
        added = await connection.fetch(
            SQL["add_contacts"],
            shard,
            campaign.campaign_id,
            import_id,
            now,
            list(by_id),
            [candidate.number for candidate in by_id.values()],
            [candidate.fields for candidate in by_id.values()],
            [candidate.attribution.source for candidate in by_id.values()],
            [candidate.attribution.ad for candidate in by_id.values()],
            [candidate.attribution.keyword for candidate in by_id.values()],
            [candidate.attribution.region for candidate in by_id.values()],
        )
        there_already = by_id.keys() - {row["contact_id"] for row in added}
        if there_already:
            duplicates = [by_id[contact_id] for contact_id in there_already]
            numbers = [duplicate.number for duplicate in duplicates]
            first_import = {
                row["number"]: row["import_id"]
                for row in await connection.fetch(SQL["imports_of"], shard, numbers)
            }
            rejections += [
                duplicate.rejected(
                    "duplicate_in_file"
                    if first_import[duplicate.number] == import_id
                    else "duplicate_in_base"
                )
                for duplicate in duplicates
            ]
    return rejections
