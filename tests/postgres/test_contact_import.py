from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from campaigns.contact_import import ContactImport
from campaigns.database import Pool
from campaigns.errors import Conflict, ImportRefused, NotFound
from campaigns.import_file import ImportOptions
from campaigns.import_report import ImportReport
from campaigns.models import Campaign, NewCampaign
from campaigns.numbers import E164
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
async def campaign(pool: Pool) -> Campaign:
    return await new_campaign(pool)


async def new_campaign(pool: Pool, split: int = 1, name: str = "main") -> Campaign:
    store = CampaignStore(pool)
    trunk = await store.create_trunk(NewTrunk(name=name, host="127.0.0.1"), NOW)
    return await store.create_campaign(NewCampaign(name=name, trunk_id=trunk.trunk_id, split=split), NOW)


async def in_chunks(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    """Small chunks, so that every character and line is torn apart somewhere."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def import_bytes(
    pool: Pool, campaign: Campaign, data: bytes, options: ImportOptions | None = None
) -> ImportReport:
    return await ContactImport(pool, options).run(campaign.campaign_id, in_chunks(data), "base.csv", NOW)


def rejections(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(row.line, row.value, row.code) for row in report.rejected]


async def contacts(pool: Pool) -> list[tuple[str, dict[str, str]]]:
    rows = await pool.fetch("SELECT number, fields FROM contacts ORDER BY contact_id")
    return [(row["number"], row["fields"]) for row in rows]


async def test_numbers_become_e164_and_other_columns_become_fields(pool: Pool, campaign: Campaign) -> None:
    report = await import_bytes(
        pool, campaign, b"name,phone,city\nAnn,8 (900) 000-00-01,Tula\nBob,79000000002,\n"
    )
    assert (report.rows_total, report.rows_accepted, report.rows_rejected) == (2, 2, 0)
    assert await contacts(pool) == [
        ("+79000000001", {"name": "Ann", "city": "Tula"}),
        ("+79000000002", {"name": "Bob", "city": ""}),
    ]


async def test_a_lead_is_due_at_once_for_every_contact(pool: Pool, campaign: Campaign) -> None:
    await import_bytes(pool, campaign, b"phone\n79000000001\n")
    lead = await pool.fetchrow("SELECT * FROM leads")
    assert lead is not None
    assert (lead["shard_key"], lead["contact_id"], lead["status"]) == (
        campaign.campaign_id * 256,
        1,
        "pending",
    )
    assert (lead["number"], lead["due_time"], lead["attempts_made"]) == ("+79000000001", NOW, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_russian_spreadsheets_are_read_whatever_wrote_them(
    pool: Pool, campaign: Campaign, encoding: str, delimiter: str
) -> None:
    lines = [
        ("Имя", "Телефон", "Город"),
        ("Анна Ёлкина", "+7 900 000-00-01", "Орёл"),
        ("ООО «Ромашка»", "89000000002", "Уфа"),
    ]
    data = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    report = await import_bytes(pool, campaign, data)
    assert (report.delimiter, report.number_column, report.rows_accepted) == (delimiter, "Телефон", 2)
    assert (await contacts(pool))[0] == ("+79000000001", {"Имя": "Анна Ёлкина", "Город": "Орёл"})


async def test_every_bad_row_is_returned_with_its_line_and_value(pool: Pool, campaign: Campaign) -> None:
    data = (
        b"phone;name\n"
        b"79000000001;good\n"
        b";nobody\n"
        b"\n"
        b"call later;letters\n"
        b"12345;short\n"
        b"79000000002\n"
        b"79000000003;x;extra\n"
        b"79000000004;padded;;\n"
        b"8-900-000-00-01;again\n"
    )
    report = await import_bytes(pool, campaign, data)
    assert rejections(report) == [
        (3, "", "number_missing"),
        (5, "call later", "number_not_digits"),
        (6, "12345", "number_invalid"),
        (7, "79000000002", "column_count"),
        (8, "79000000003;x;extra", "column_count"),
        (10, "8-900-000-00-01", "duplicate_in_file"),
    ]
    assert report.rejected[3].params == {"expected": 2, "found": 1}
    assert (report.rows_total, report.rows_accepted, report.rows_rejected) == (8, 2, 6)
    store = CampaignStore(pool)
    assert await store.list_rejections(campaign.campaign_id, report.import_id, 0, 100) == list(
        report.rejected
    )
    assert await store.get_import(report.import_id) == msgspec.structs.replace(report, rejected=())


async def test_a_file_sent_twice_is_all_duplicates_and_changes_nothing(
    pool: Pool, campaign: Campaign
) -> None:
    data = b"phone\n79000000001\n79000000002\n"
    await import_bytes(pool, campaign, data)
    report = await import_bytes(pool, campaign, data)
    assert report.rows_accepted == 0
    assert report.rejected_counts == {"duplicate_in_base": 2}
    assert await pool.fetchval("SELECT count(*) FROM leads") == 2


async def test_contact_ids_go_on_where_the_last_import_ended(pool: Pool) -> None:
    campaign = await new_campaign(pool, split=4)
    await import_bytes(pool, campaign, b"phone\n" + b"".join(b"7900000%04d\n" % n for n in range(50)))
    await import_bytes(pool, campaign, b"phone\n" + b"".join(b"7900000%04d\n" % n for n in range(25, 75)))
    ids = [row["contact_id"] for row in await pool.fetch("SELECT contact_id FROM contacts ORDER BY 1")]
    assert len(set(ids)) == len(ids) == 75
    assert await pool.fetchval("SELECT count(DISTINCT shard_key) FROM contacts") == 4


async def test_the_same_number_in_two_campaigns_is_no_duplicate(pool: Pool, campaign: Campaign) -> None:
    other = await new_campaign(pool, name="other")
    await import_bytes(pool, campaign, b"phone\n79000000001\n")
    assert (await import_bytes(pool, other, b"phone\n79000000001\n")).rows_accepted == 1


async def test_a_number_that_refused_calls_is_not_taken(pool: Pool, campaign: Campaign) -> None:
    await CampaignStore(pool).add_dnc(E164("+79000000001"), "api", NOW)
    report = await import_bytes(pool, campaign, b"phone\n79000000001\n79000000002\n")
    assert rejections(report) == [(2, "79000000001", "in_dnc")]


async def test_a_file_of_letters_is_rejected_row_by_row(pool: Pool, campaign: Campaign) -> None:
    report = await import_bytes(pool, campaign, b"phone\nabc\n8-800-FLOWERS\n")
    assert report.rejected_counts == {"number_not_digits": 2}


async def test_a_file_without_header_is_taken_with_a_warning(pool: Pool, campaign: Campaign) -> None:
    report = await import_bytes(pool, campaign, b"Ann;79000000001\nBob;79000000002\n")
    assert (report.warnings, report.rows_accepted, report.number_column) == (
        ("header_missing",),
        2,
        "column_2",
    )
    assert await contacts(pool) == [
        ("+79000000001", {"column_1": "Ann"}),
        ("+79000000002", {"column_1": "Bob"}),
    ]


async def test_quoted_newlines_do_not_shift_line_numbers(pool: Pool, campaign: Campaign) -> None:
    report = await import_bytes(pool, campaign, b'phone,note\r\n79000000001,"a\r\nb, ""c"""\r\nbad,x\r\n')
    assert rejections(report) == [(4, "bad", "number_not_digits")]
    assert await contacts(pool) == [("+79000000001", {"note": 'a\r\nb, "c"'})]


async def test_a_quote_never_closed_costs_one_row_not_the_rest_of_the_file(
    pool: Pool, campaign: Campaign
) -> None:
    rows = b"".join(b"7900000%04d,x\n" % n for n in range(500))
    report = await import_bytes(pool, campaign, b'phone,note\n79000009999,"open\n' + rows)
    assert rejections(report) == [(2, '79000009999,"open', "quote_broken")]
    assert report.rows_accepted == 500


async def test_nul_bytes_cost_their_row(pool: Pool, campaign: Campaign) -> None:
    rows = b"".join(b"7900000%04d,x\n" % n for n in range(20))
    report = await import_bytes(pool, campaign, b"phone,note\n" + rows + b"79000009999,a\0b\n")
    assert rejections(report) == [(22, "79000009999,a\ufffdb", "nul_byte")]
    assert report.rows_accepted == 20


async def test_huge_fields_and_lines_cost_their_row(pool: Pool, campaign: Campaign) -> None:
    data = (
        b"phone,note\n79000000001," + b"x" * 9_000 + b"\n79000000002," + b"y" * 200_000 + b"\n79000000003,z\n"
    )
    report = await ContactImport(pool).run(campaign.campaign_id, in_chunks(data, 10_000), "base.csv", NOW)
    assert [(row.line, row.code) for row in report.rejected] == [(2, "field_too_long"), (3, "row_too_long")]
    assert report.rows_accepted == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "empty_file", id="no bytes"),
        pytest.param(b"\xef\xbb\xbf\r\n \n", "empty_file", id="mark and blank lines"),
        pytest.param(b"phone;name\n", "no_rows", id="header only"),
        pytest.param(b"name;city\nAnn;Tula\n", "no_number_column", id="no numbers"),
        pytest.param(b"79000000001;79000000002\n", "header_missing", id="two number columns and no header"),
        pytest.param(b"PK\x03\x04" + bytes(100), "spreadsheet_not_csv", id="xlsx"),
        pytest.param(bytes(range(256)) * 4, "encoding_unknown", id="binary"),
        pytest.param(
            "phone;name\n79000000001;Ann\n".encode("utf-16-le"), "not_text", id="UTF-16 without mark"
        ),
        pytest.param(
            "phone;имя\n79000000001;Иван Петров\n".encode("koi8-r"), "encoding_unknown", id="KOI8-R"
        ),
        pytest.param("phone;имя\n79000000001;Иван Петров\n".encode("cp866"), "encoding_unknown", id="cp866"),
        pytest.param("phone;name\n79000000001;Müller\n".encode("latin-1"), "encoding_unknown", id="Latin-1"),
        pytest.param(
            "phone;имя\n79000000001;Иван Петров\n79000000002;Ёж\n".encode() + b"79000000003;\xff\n",
            "encoding_unknown",
            id="one broken byte in UTF-8",
        ),
        pytest.param(b"phone" + b",x" * 400 + b"\n", "too_many_columns", id="hundreds of columns"),
    ],
)
async def test_what_cannot_be_a_base_is_refused_with_a_code(
    pool: Pool, campaign: Campaign, data: bytes, code: str
) -> None:
    with pytest.raises(ImportRefused) as refused:
        await import_bytes(pool, campaign, data)
    assert refused.value.code == code
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0


async def test_an_unknown_encoding_names_the_line(pool: Pool, campaign: Campaign) -> None:
    with pytest.raises(ImportRefused) as refused:
        await import_bytes(pool, campaign, b"phone;name\n79000000001;Ann\n79000000002;\x98\n")
    assert refused.value.params == {"line": 3}


async def test_the_encoding_can_be_said(pool: Pool, campaign: Campaign) -> None:
    data = "phone;имя\n79000000001;Иван\n".encode("koi8-r")
    await import_bytes(pool, campaign, data, ImportOptions(encoding="koi8-r"))
    assert await contacts(pool) == [("+79000000001", {"имя": "Иван"})]


async def test_a_wrongly_said_encoding_imports_nothing(pool: Pool, campaign: Campaign) -> None:
    rows = b"".join(b"7900000%04d;x\n" % n for n in range(5_000))
    data = b"phone;name\n" + rows + "79000009999;Иван\n".encode("cp1251")
    with pytest.raises(ImportRefused) as refused:
        await ContactImport(pool, ImportOptions(encoding="utf-8")).run(
            campaign.campaign_id, in_chunks(data, 4_096), "base.csv", NOW
        )
    assert refused.value.code == "encoding_wrong"
    assert await pool.fetchval("SELECT count(*) FROM contacts") == 0


async def test_the_number_column_can_be_said(pool: Pool, campaign: Campaign) -> None:
    data = b"phone;second\n79000000001;79000000002\n"
    await import_bytes(pool, campaign, data, ImportOptions(number_column="Second"))
    assert await contacts(pool) == [("+79000000002", {"phone": "79000000001"})]
    with pytest.raises(ImportRefused) as refused:
        await import_bytes(pool, campaign, data, ImportOptions(number_column="third"))
    assert refused.value.code == "no_number_column"


async def test_a_file_beyond_the_limit_is_refused(pool: Pool, campaign: Campaign) -> None:
    with pytest.raises(ImportRefused) as refused:
        await import_bytes(pool, campaign, b"phone\n79000000001\n", ImportOptions(max_file_bytes=10))
    assert refused.value.code == "file_too_large"


async def test_an_upload_that_breaks_off_imports_nothing(pool: Pool, campaign: Campaign) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"phone\n79000000001\n"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await ContactImport(pool).run(campaign.campaign_id, broken(), "base.csv", NOW)
    assert await pool.fetchval("SELECT count(*) FROM contacts") == 0


async def test_two_imports_of_one_campaign_at_once_are_a_conflict(pool: Pool, campaign: Campaign) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT pg_advisory_xact_lock(1768779876, $1::integer)", campaign.campaign_id
        )
        with pytest.raises(Conflict) as conflict:
            await import_bytes(pool, campaign, b"phone\n79000000001\n")
    assert conflict.value.code == "import_in_progress"


async def test_an_unknown_campaign_is_not_found(pool: Pool) -> None:
    with pytest.raises(NotFound):
        await ContactImport(pool).run(4711, in_chunks(b"phone\n"), "base.csv", NOW)


async def test_where_a_contact_comes_from_stands_in_columns_of_its_own(
    pool: Pool, campaign: Campaign
) -> None:
    await import_bytes(
        pool,
        campaign,
        "Телефон;Источник;utm_term\n+74951234567;сайт;окна дёшево\n+79161234567;;\n".encode(),
    )
    rows = await pool.fetch("SELECT source, ad, keyword, region FROM contacts ORDER BY contact_id")
    assert [tuple(row.values()) for row in rows] == [
        ("сайт", None, "окна дёшево", "Moscow"),
        (None, None, None, "Russia"),
    ]
