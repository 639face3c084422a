"""
`Idempotency-Key`: a POST that a client sends twice is done once, and answered twice with the same bytes.

A key belongs to its sender for 24 hours. A request that fails frees its key. A streamed file is not hashed before it is
read, so for uploads the key stands for the address alone.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response

from analytics.database import Pool
from api.auth import Principal
from api.errors import ApiError
from campaigns.statements import load_statements

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
KEEP: Final = timedelta(hours=24)
MAX_KEY_LENGTH: Final = 255


async def answer_once(
    request: Request[Any, Principal, Any],
    pool: Pool,
    now: datetime,
    work: Callable[[], Awaitable[Any]],
    *,
    status: int = HTTPStatus.CREATED,
    body: bytes | None = None,
) -> Response[Any]:
    """
    Do the work of a POST and answer with its value as JSON; if the request carries a key that was used, answer again.

    `body` is what makes the request the same as another; None for streamed files.

    Raises:
        ApiError: 409 for a key in use, 422 for a key used with another request, and whatever the work raises.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return Response(await work(), status_code=status)
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ApiError(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", max=MAX_KEY_LENGTH)
    owner = request.auth.owner
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(body or b"")
    await pool.execute(STATEMENTS["forget_old_keys"], now - KEEP)
    claimed = await pool.fetchval(STATEMENTS["claim_key"], owner, key, digest.digest(), now)
    if claimed is None:
        return await repeated(pool, owner, key, digest.digest())
    try:
        content = msgspec.json.encode(await work())
    except BaseException:
        await pool.execute(STATEMENTS["release_key"], owner, key)
        raise
    await pool.execute(STATEMENTS["store_response"], owner, key, status, content)
    return Response(content, status_code=status, media_type=MediaType.JSON)


async def repeated(pool: Pool, owner: str, key: str, digest: bytes) -> Response[Any]:
    row = await pool.fetchrow(STATEMENTS["find_key"], owner, key)
    if row is not None and row["request_sha256"] != digest:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused")
    if row is None or row["response_status"] is None:
        # none: the first one has just failed and freed the key
        raise ApiError(HTTPStatus.CONFLICT, "idempotency_key_in_progress", headers={"Retry-After": "1"})
    return Response(
        row["response_body"],
        status_code=row["response_status"],
        media_type=MediaType.JSON,
        headers={"Idempotent-Replayed": "true"},
    )
