"""Recordings: which there are, how they sound, holding and deleting them."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final

from litestar import Controller, MediaType, Response, delete, get, head, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from api.auth import needs
from api.body import CheckedBody
from api.byte_range import ByteRange, read_range
from api.call_lookup import find_attempt
from api.dependencies import ApiRequest, Clock, Keeper, Pool, Settings
from api.errors import ApiError
from api.idempotency import answer_once
from api.recording_audio import open_recording, stream_wav
from api.recording_list import recordings_listed
from api.routes.calls import AttemptKey
from api.routes.reports import check_period
from api.schemas.parameters import Cursor, From, Limit, OfCampaign, To
from api.schemas.recordings import (
    GapView,
    HoldBody,
    RecordingPage,
    RecordingView,
    RecordRequest,
    WaveformView,
    recording_view,
)
from campaigns.errors import Conflict
from campaigns.recording_rows import request_recording
from campaigns.recordings import (
    CopyState,
    RecordingFilter,
    RecordingRow,
    RecordingState,
    RecordingStore,
)
from dialer.recording.reader import Forged
from dialer.recording.wav import wav_size

MAX_ID: Final = 2**63 - 1
MAX_POINTS: Final = 4_000
WAV_TYPE: Final = "audio/wav"
SOUND: Final = ResponseSpec(bytes, media_type=WAV_TYPE, generate_examples=False)
AUDIO_RESPONSES: Final[dict[int, ResponseSpec]] = {HTTPStatus.OK: SOUND, HTTPStatus.PARTIAL_CONTENT: SOUND}

RecordingId = Annotated[int, PathParameter(ge=1, le=MAX_ID)]
OfState = Annotated[RecordingState | None, QueryParameter(name="state")]
OfCopyState = Annotated[CopyState | None, QueryParameter(name="copy_state")]
IsHeld = Annotated[bool | None, QueryParameter(name="is_held")]
Points = Annotated[int, QueryParameter(ge=1, le=MAX_POINTS)]


class RecordingController(Controller):
    """`/v1/recordings` and `/v1/attempts/{attempt}/record`."""

    path = "/v1"
    tags = ("recordings",)

    @get("/recordings", operation_id="list_recordings", **needs("recordings:listen"))
    async def list_recordings(
        self,
        request: ApiRequest,
        pool: Pool,
        campaign_id: OfCampaign = None,
        of_state: OfState = None,
        is_held: IsHeld = None,
        copy_state: OfCopyState = None,
        from_time: From = None,
        to_time: To = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> RecordingPage:
        check_period(from_time, to_time)
        which = RecordingFilter(
            campaign_id=campaign_id,
            state=of_state,
            is_held=is_held,
            copy_state=copy_state,
            from_time=from_time,
            to_time=to_time,
        )
        rows, next_cursor = await recordings_listed(pool, which, cursor, limit)
        return RecordingPage(items=[view(request, row) for row in rows], next_cursor=next_cursor)

    @get("/recordings/{recording_id:int}", operation_id="get_recording", **needs("recordings:listen"))
    async def read(self, request: ApiRequest, recording_id: RecordingId, pool: Pool) -> RecordingView:
        return view(request, await RecordingStore(pool).get(recording_id))

    @get(
        "/recordings/{recording_id:int}/audio",
        operation_id="get_recording_audio",
        media_type=WAV_TYPE,
        **needs("recordings:listen", AUDIO_RESPONSES),
    )
    async def audio(
        self, request: ApiRequest, recording_id: RecordingId, pool: Pool, settings: Settings, clock: Clock
    ) -> Stream:
        """Give the sound, or the stretch that `Range` asks for; who listened, and to what, is kept."""
        store = RecordingStore(pool)
        row = await store.get(recording_id)
        recording = await asyncio.to_thread(open_recording, settings.recordings, row)
        size = wav_size(recording)
        try:
            wanted, status, headers = what_is_wanted(request, row, size)
        except ApiError:
            recording.close()
            raise
        sound = stream_wav(recording, wanted, row, store, clock, request.auth.owner)
        return Stream(sound, status_code=status, media_type=WAV_TYPE, headers=headers)

    @head("/recordings/{recording_id:int}/audio", include_in_schema=False, **needs("recordings:listen"))
    async def audio_head(self, recording_id: RecordingId, pool: Pool, settings: Settings) -> Response[None]:
        row = await RecordingStore(pool).get(recording_id)
        recording = await asyncio.to_thread(open_recording, settings.recordings, row)
        with recording:
            size = wav_size(recording)
        headers = {**audio_headers(row), "Content-Length": str(size), "Content-Type": WAV_TYPE}
        return Response(None, media_type=MediaType.TEXT, headers=headers)

    @get(
        "/recordings/{recording_id:int}/waveform",
        operation_id="get_recording_waveform",
        **needs("recordings:listen"),
    )
    async def waveform(
        self, recording_id: RecordingId, pool: Pool, settings: Settings, points: Points = 800
    ) -> WaveformView:
        row = await RecordingStore(pool).get(recording_id)

        def draw() -> WaveformView:
            with open_recording(settings.recordings, row) as recording:
                peaks = recording.waveform(points)
                if isinstance(peaks, Forged):
                    raise Conflict("recording_unreadable", reason="forged")
                return WaveformView(
                    recording_id=str(recording_id),
                    duration_ms=recording.samples // 8,
                    callee=peaks[0].tolist(),
                    us=peaks[1].tolist(),
                    gaps=[
                        GapView(
                            start_ms=gap.start_sample // 8, duration_ms=gap.samples // 8, reason=gap.reason
                        )
                        for gap in recording.gaps
                    ],
                )

        return await asyncio.to_thread(draw)

    @post(
        "/recordings/{recording_id:int}/hold",
        operation_id="hold_recording",
        **needs("recordings:write"),
        dto=CheckedBody[HoldBody],
        return_dto=None,
        status_code=HTTPStatus.OK,
    )
    async def hold(
        self,
        request: ApiRequest,
        recording_id: RecordingId,
        data: JSONBody[HoldBody],
        pool: Pool,
        clock: Clock,
    ) -> Response[RecordingView]:
        """Keep it from being deleted by anybody (legal hold) until it is released."""

        async def work() -> RecordingView:
            held = await RecordingStore(pool).hold(
                recording_id, data.why, actor=request.auth.owner, now=clock()
            )
            return view(request, held)

        return await answer_once(
            request, pool, clock(), work, status=HTTPStatus.OK, body=await request.body()
        )

    @post(
        "/recordings/{recording_id:int}/release",
        operation_id="release_recording",
        **needs("recordings:write"),
        status_code=HTTPStatus.OK,
    )
    async def release(
        self, request: ApiRequest, recording_id: RecordingId, pool: Pool, clock: Clock
    ) -> Response[RecordingView]:
        async def work() -> RecordingView:
            return view(
                request,
                await RecordingStore(pool).release(recording_id, actor=request.auth.owner, now=clock()),
            )

        return await answer_once(request, pool, clock(), work, status=HTTPStatus.OK)

    @delete(
        "/recordings/{recording_id:int}",
        operation_id="delete_recording",
        **needs("recordings:write"),
        status_code=HTTPStatus.OK,
    )
    async def delete_recording(
        self, request: ApiRequest, recording_id: RecordingId, keeper: Keeper
    ) -> RecordingView:
        """Delete the sound and its copy; the row stays. What cannot be deleted now is tried again: see `deleted_time`."""
        return view(request, await keeper.delete(recording_id, "asked", actor=request.auth.owner))

    @post(
        "/recordings/{recording_id:int}/copy",
        operation_id="copy_recording",
        **needs("recordings:write"),
        status_code=HTTPStatus.OK,
    )
    async def copy(
        self, request: ApiRequest, recording_id: RecordingId, pool: Pool, keeper: Keeper, clock: Clock
    ) -> Response[RecordingView]:
        """Try a copy again that has failed or waits; anything else stays as it is."""

        async def work() -> RecordingView:
            return view(request, await keeper.copy_again(recording_id))

        return await answer_once(request, pool, clock(), work, status=HTTPStatus.OK)

    @post(
        "/attempts/{attempt:str}/record",
        operation_id="record_call",
        **needs("recordings:write"),
        status_code=HTTPStatus.ACCEPTED,
    )
    async def record(
        self, request: ApiRequest, attempt: AttemptKey, pool: Pool, clock: Clock
    ) -> Response[RecordRequest]:
        """Record a call that goes on, where its campaign records on demand."""

        async def work() -> RecordRequest:
            details = await find_attempt(pool, attempt)
            if details.settled_time is not None:
                raise Conflict("call_has_ended")
            await request_recording(pool, details.shard_key, details.attempt_id, clock())
            return RecordRequest(attempt_id=str(details.attempt_id), requested_time=clock())

        return await answer_once(request, pool, clock(), work, status=HTTPStatus.ACCEPTED)


def view(request: ApiRequest, row: RecordingRow) -> RecordingView:
    return recording_view(row, shows_numbers=request.auth.may("numbers:read"))


def what_is_wanted(
    request: ApiRequest, row: RecordingRow, size: int
) -> tuple[ByteRange, int, dict[str, str]]:
    """Read Range and If-Range; return the stretch, the status and the headers. Raises `ApiError` 416."""
    headers = audio_headers(row)
    asked = request.headers.get("range")
    if request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        asked = None  # the listener has another file, so it gets the whole of this one
    wanted = read_range(asked, size)
    if wanted == "unsatisfiable":
        raise ApiError(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "range_unsatisfiable",
            headers={"Content-Range": f"bytes */{size}"},
            size=size,
        )
    if wanted is None:
        return ByteRange(0, size), HTTPStatus.OK, {**headers, "Content-Length": str(size)}
    headers["Content-Length"] = str(wanted.stop - wanted.start)
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    return wanted, HTTPStatus.PARTIAL_CONTENT, headers


def audio_headers(row: RecordingRow) -> dict[str, Any]:
    name = f"call-{row.attempt_id}-{row.recording_id}.wav"
    version = "" if row.sha256 is None else row.sha256.hex()[:24]
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'inline; filename="{name}"',
        "ETag": f'"{row.recording_id}-{version}"',
        "X-Content-Type-Options": "nosniff",
    }
