"""Our own OpenAPI document against our own answers: schemathesis makes requests that fit it and requests that do not."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.server import server_config
from api.settings import ApiSettings
from campaigns.database import open_pool
from campaigns.store import CampaignStore

EXAMPLES_PER_OPERATION = 16
STREAMS = {"watch_campaign", "watch_floor"}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def base_url(database: str) -> Iterator[str]:
    """A server in a thread of its own: schemathesis asks from outside, and waits."""
    server = uvicorn.Server(server_config(ApiSettings(database_url=database, port=0)))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


async def admin_key(dsn: str) -> str:
    pool = await open_pool(dsn, max_size=1)
    try:
        _, secret = await CampaignStore(pool).create_api_key("schemathesis", ["admin"], datetime.now(UTC))
        return secret
    finally:
        await pool.close()


@pytest.mark.timeout(180)
def test_every_operation_answers_as_its_document_says(base_url: str, database: str) -> None:
    secret = asyncio.run(admin_key(database))
    schema = schemathesis.openapi.from_url(f"{base_url}/v1/schema/openapi.json")
    tried = set()
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        operation_id = operation.definition.raw["operationId"]
        if operation_id in STREAMS:
            continue  # never end; tests/api/test_live.py and test_floor.py read them
        tried.add(operation_id)

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def check(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)

        check()
    assert len(tried) >= 20
