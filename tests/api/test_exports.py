"""Files of figures and of the calls behind them."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of
from tests.postgres.analytics.facts import add_attempt
from tests.xlsx import read_xlsx

QUERY = {
    "metrics": ["attempts", "asr", "talk_seconds_sum"],
    "dimensions": ["day", "campaign", "caller_id"],
    "compare": {"name": "previous_period"},
    "period": {"from": "2026-11-23", "to": "2026-11-24"},
}
HEADER = [
    "day", "campaign", "campaign.name", "caller_id",
    "attempts", "attempts.previous", "attempts.difference", "attempts.relative_difference",
    "asr", "asr.numerator", "asr.denominator", "asr.low", "asr.high",
    "asr.previous", "asr.difference", "asr.relative_difference",
    "talk_seconds_sum", "talk_seconds_sum.previous", "talk_seconds_sum.difference", "talk_seconds_sum.relative_difference",
]  # fmt: skip


@pytest.fixture(autouse=True)
async def calls(pool: Pool, campaign_id: int) -> None:
    await pool.execute('UPDATE campaigns SET name = \'=HYPERLINK("x"), "best"\'')
    await add_attempt(pool, campaign_id, "2026-11-23T09:00:00Z", "+79161234567", "busy")
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", "+79161234567", "answered", talk_ms=40_100)
    await add_attempt(pool, campaign_id, "2026-11-23T11:00:00Z", "+79160000000", "answered", talk_ms=2_000)


async def get_file(client: Client, path: str, body: dict[str, Any]) -> bytes:
    response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"].startswith("attachment; filename=")
    return response.content


async def test_all_formats_hold_the_numbers_of_the_answer(client: Client, campaign_id: int) -> None:
    answer = (await client.post("/v1/query", json=QUERY)).json()["rows"][0]["metrics"]
    asr = answer["asr"]
    numbers = [
        3, 0, 3, None,
        asr["value"], 2, 3, asr["low"], asr["high"], None, None, None,
        42.1, 0.0, 42.1, None,
    ]  # fmt: skip
    name = '=HYPERLINK("x"), "best"'

    text = (await get_file(client, "/v1/query/export?format=csv", QUERY)).decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert lines[0] == HEADER
    assert lines[1][:4] == ["2026-11-23", str(campaign_id), f"'{name}", "anonymous"]
    assert [float(cell) if cell else None for cell in lines[1][4:]] == numbers
    assert text.endswith("\r\n")
    assert '"\'=HYPERLINK(""x""), ""best"""' in text

    sheet = read_xlsx(await get_file(client, "/v1/query/export?format=xlsx", QUERY))
    assert sheet[0] == HEADER
    assert sheet[1][1:4] == [campaign_id, name, "anonymous"]
    padded = sheet[1][4:] + [None] * (len(HEADER) - len(sheet[1]))
    # the library writes 16 digits, of which Excel shows 15
    assert padded == [None if number is None else float(f"{number:.16G}") for number in numbers]

    table = pq.read_table(io.BytesIO(await get_file(client, "/v1/query/export?format=parquet", QUERY)))
    assert table.column_names == HEADER
    row = list(table.to_pylist()[0].values())
    assert row == [date(2026, 11, 23), campaign_id, name, "anonymous", *numbers]


async def test_csv_for_excel_begins_with_a_mark(client: Client) -> None:
    plain = await get_file(client, "/v1/query/export?format=csv", QUERY)
    marked = await get_file(client, "/v1/query/export?format=csv&bom=true", QUERY)
    assert marked == b"\xef\xbb\xbf" + plain


async def test_hours_are_instants(client: Client) -> None:
    query = {"metrics": ["attempts"], "dimensions": ["hour"], "time_zone": "Asia/Kolkata"}
    text = (await get_file(client, "/v1/query/export?format=csv", query)).decode()
    assert text.splitlines()[1:] == [
        "2026-11-23T14:00:00+05:30,1",
        "2026-11-23T15:00:00+05:30,1",
        "2026-11-23T16:00:00+05:30,1",
    ]
    table = pq.read_table(io.BytesIO(await get_file(client, "/v1/query/export?format=parquet", query)))
    assert table.to_pylist()[0] == {"hour": datetime(2026, 11, 23, 8, 30, tzinfo=UTC), "attempts": 1}


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "parquet"])
async def test_all_calls_behind_a_figure_are_in_the_file(client: Client, file_format: str) -> None:
    data = await get_file(
        client,
        f"/v1/query/calls/export?format={file_format}",
        {"metric": "answered_attempts", "limit": 1},
    )
    match file_format:
        case "csv":
            rows = [list(row.values()) for row in csv.DictReader(io.StringIO(data.decode(), newline=""))]
        case "xlsx":
            rows = [[str(cell) for cell in row] for row in read_xlsx(data)[1:]]
        case _:
            rows = [
                [str(cell) for cell in row.values()] for row in pq.read_table(io.BytesIO(data)).to_pylist()
            ]
    assert [row[3] for row in rows] == ["+79160000000", "+79161234567"]


async def test_numbers_in_a_file_are_masked(anonymous: Client, make_key: MakeKey) -> None:
    response = await anonymous.post("/v1/query/calls/export", json={}, headers=await make_key("reports:read"))
    assert response.status_code == 200
    assert "'+79161…567" in response.text
    assert "1234567" not in response.text


async def test_a_refused_query_is_a_problem_and_no_file(client: Client) -> None:
    response = await client.post("/v1/query/export?format=xlsx", json={"metrics": ["nothing"]})
    assert (response.status_code, code_of(response)) == (422, "query_refused")
    response = await client.post("/v1/query/export?format=doc", json={"metrics": ["attempts"]})
    assert (response.status_code, code_of(response)) == (400, "request_invalid")
