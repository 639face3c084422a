"""The same figures from the API and from every file, as docs/twelve_calls.md works them out."""

import csv
import io
from fractions import Fraction
from typing import Any

import pyarrow.parquet as pq
import pytest

from analytics.metrics import METRICS
from campaigns.database import Pool
from tests.api.conftest import NOW as NOW_OF_THE_API
from tests.api.conftest import Client
from tests.twelve_calls import NOW, add_twelve_calls, expected
from tests.xlsx import read_xlsx

EXPECTED = expected()
VALUES = {name: float(value) for name, value in EXPECTED.items()}


@pytest.fixture
async def query(pool: Pool) -> dict[str, Any]:
    campaign_id = await add_twelve_calls(pool)
    return {
        "metrics": list(METRICS),
        "dimensions": ["campaign"],
        "filter": {"op": "is", "dimension": "campaign", "values": [campaign_id]},
    }


def test_the_page_works_out_every_metric() -> None:
    assert EXPECTED.keys() == METRICS.keys()
    assert NOW == NOW_OF_THE_API


@pytest.mark.parametrize("reading", ["auto", "facts"])
async def test_the_api_answers_as_the_page_says(client: Client, query: dict[str, Any], reading: str) -> None:
    answer = (await client.post("/v1/query", json=query | {"reading": reading})).json()
    for figures in (answer["rows"][0]["metrics"], answer["totals"]):
        assert {name: figure["value"] for name, figure in figures.items()} == VALUES
        for name, figure in figures.items():
            if "denominator" in figure:
                assert (
                    Fraction(str(figure["numerator"])) / Fraction(str(figure["denominator"]))
                    == EXPECTED[name]
                )


async def test_every_file_holds_what_the_page_says(client: Client, query: dict[str, Any]) -> None:
    async def file(kind: str) -> bytes:
        return (await client.post(f"/v1/query/export?format={kind}", json=query)).content

    line = next(csv.DictReader(io.StringIO((await file("csv")).decode(), newline="")))
    assert {name: float(line[name]) for name in METRICS} == VALUES
    sheet = read_xlsx(await file("xlsx"))
    cells = dict(zip(sheet[0], sheet[1], strict=False))
    # the library writes 16 digits, of which Excel shows 15
    assert {name: cells[name] for name in METRICS} == {
        name: float(f"{value:.16G}") for name, value in VALUES.items()
    }
    row = pq.read_table(io.BytesIO(await file("parquet"))).to_pylist()[0]
    assert {name: row[name] for name in METRICS} == VALUES


async def test_the_sources_of_the_calls_are_told_apart(client: Client, query: dict[str, Any]) -> None:
    asked = query | {"metrics": ["attempts", "successes", "conversion_per_talk"], "dimensions": ["source"]}
    rows = (await client.post("/v1/query", json=asked)).json()["rows"]
    found = {
        row["dimensions"]["source"]["value"]: tuple(figure["value"] for figure in row["metrics"].values())
        for row in rows
    }
    assert found == {"site": (6, 3, 1.0), "tv": (4, 0, None), None: (2, 0, 0.0)}
