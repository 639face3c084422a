"""Messages that are played to callees."""

import asyncio
from http import HTTPStatus

from litestar import Controller, Response, get, post
from litestar.params import FromQuery

from api.auth import needs
from api.dependencies import ApiRequest, Clock, Pool, Settings, Store
from api.errors import FieldProblem, invalid_request
from api.idempotency import answer_once
from api.schemas.campaigns import PromptList
from api.schemas.openapi import upload_operation
from api.upload import open_upload, read_whole
from campaigns.models import Prompt
from dialer.media.prompt import read_audio

SOUND_TYPES = (
    "audio/wav",
    "audio/x-wav",
    "audio/vnd.wave",
    "audio/flac",
    "audio/ogg",
    "application/octet-stream",
)


class PromptController(Controller):
    """`/v1/prompts`."""

    path = "/v1/prompts"
    tags = ("prompts",)

    @post(
        operation_id="create_prompt",
        **needs("campaigns:write"),
        operation_class=upload_operation(SOUND_TYPES),
        status_code=HTTPStatus.CREATED,
        request_max_body_size=None,  # counted while it is read
    )
    async def create(
        self,
        request: ApiRequest,
        pool: Pool,
        store: Store,
        settings: Settings,
        clock: Clock,
        name: FromQuery[str] = "",
    ) -> Response[Prompt]:
        async def work() -> Prompt:
            upload = await open_upload(request, SOUND_TYPES)
            title = (name or upload.file_name).strip()
            if not title or len(title) > 200 or not title.isprintable():
                raise invalid_request(FieldProblem("name", "empty" if not title else "invalid"))
            sound = await read_whole(upload, settings.max_prompt_bytes)
            # decoding and resampling take whole seconds of CPU; live streams must not wait for them
            pcm = await asyncio.to_thread(read_audio, sound)
            return await store.add_prompt(title, pcm, clock())

        return await answer_once(request, pool, clock(), work)

    @get(operation_id="list_prompts", **needs("campaigns:read"))
    async def list_prompts(self, store: Store) -> PromptList:
        return PromptList(items=await store.list_prompts())
