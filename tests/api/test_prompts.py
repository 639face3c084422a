"""Messages over HTTP."""

import io
import wave

from litestar.testing import AsyncTestClient

from api.app import create_app
from api.settings import ApiSettings
from tests.api.conftest import NOW, Client, MakeKey, code_of


def one_second_wav(rate: int = 44_100) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\x10\x20\x30\x40" * rate)
    return data.getvalue()


async def test_a_sound_of_any_rate_becomes_a_message(client: Client) -> None:
    raw = await client.post(
        "/v1/prompts?name=hello", content=one_second_wav(), headers={"Content-Type": "audio/wav"}
    )
    form = await client.post("/v1/prompts", files={"file": ("bye.wav", one_second_wav(8000), "audio/wav")})
    assert (raw.status_code, raw.json()["name"], raw.json()["duration_ms"]) == (201, "hello", 1000)
    assert (form.status_code, form.json()["name"], form.json()["duration_ms"]) == (201, "bye.wav", 1000)
    listed = (await client.get("/v1/prompts")).json()["items"]
    assert [prompt["name"] for prompt in listed] == ["hello", "bye.wav"]


async def test_what_is_not_sound_is_refused_in_both_languages(client: Client) -> None:
    for language, title in (("en", "The sound file cannot be read"), ("ru", "Звуковой файл нельзя прочесть")):
        response = await client.post(
            "/v1/prompts?name=x",
            content=b"not a sound",
            headers={"Content-Type": "audio/wav", "Accept-Language": language},
        )
        assert (response.status_code, code_of(response)) == (422, "audio_unreadable")
        assert response.json()["title"] == title


async def test_a_message_needs_a_name(client: Client) -> None:
    response = await client.post(
        "/v1/prompts", content=one_second_wav(), headers={"Content-Type": "audio/wav"}
    )
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "name")


async def test_a_sound_beyond_the_limit_is_refused(database: str, make_key: MakeKey) -> None:
    settings = ApiSettings(database_url=database, max_prompt_bytes=1000)
    async with AsyncTestClient(create_app(settings, clock=lambda: NOW)) as client:
        response = await client.post(
            "/v1/prompts?name=x",
            content=b"\0" * 1001,
            headers={"Content-Type": "audio/wav", **await make_key("campaigns:write")},
        )
    assert (response.status_code, code_of(response)) == (413, "body_too_large")
