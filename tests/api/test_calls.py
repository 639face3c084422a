"""One attempt and its SIP messages over HTTP."""

import pytest

from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of
from tests.postgres.traces import CALL_RANDOM, NUMBER, add_traced_attempt


async def test_an_attempt_is_read_by_its_id_and_by_its_call_id(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id)

    by_id = (await client.get(f"/v1/attempts/{attempt_id}")).json()
    by_call_id = (await client.get(f"/v1/attempts/{attempt_id}-{CALL_RANDOM}")).json()

    assert by_id == by_call_id
    assert (by_id["attempt_id"], by_id["number"], by_id["sip_status"]) == (str(attempt_id), NUMBER, 503)
    assert (by_id["campaign_name"], by_id["time_zone"]) == ("autumn", "Europe/Moscow")
    assert by_id["gate"]["passed"] == ["dnc", "purpose"]
    assert by_id["page_path"] == f"/calls/{attempt_id}"
    listed = (await client.get("/v1/attempts")).json()["items"]
    assert [item["page_path"] for item in listed] == [f"/calls/{attempt_id}"]


@pytest.mark.parametrize(
    ("figures", "received", "sent"),
    [
        ("media_mos_hundredths = 406, media_sent_mos_hundredths = 437", 4.06, 4.37),
        ("media_mos_hundredths = 100", 1.0, None),
        ("media_sent_mos_hundredths = 115", None, 1.15),
        ("media_packets_expected = 1000, media_packets_lost = 0, media_reported_loss = 0", None, None),
    ],
)
async def test_how_it_may_have_sounded_is_what_was_estimated_when_it_ended(
    client: Client, pool: Pool, campaign_id: int, figures: str, received: float | None, sent: float | None
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id)
    await pool.execute(f"UPDATE attempts SET {figures}")
    found = (await client.get(f"/v1/attempts/{attempt_id}")).json()
    assert (found["estimated_mos_received"], found["estimated_mos_sent"]) == (received, sent)


async def test_the_messages_show_numbers_to_those_who_may_see_them_and_passwords_to_nobody(
    client: Client, pool: Pool, campaign_id: int, make_key: MakeKey
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id)
    path = f"/v1/attempts/{attempt_id}/trace"

    whole = (await client.get(path)).json()
    masked = (await client.get(path, headers=await make_key("reports:read"))).json()

    assert [(m["at_ms"], m["direction"], m["cseq"]) for m in whole["messages"]] == [
        (0.0, "sent", "1 INVITE"),
        (250.0, "received", "1 INVITE"),
        (260.0, "sent", "1 ACK"),
    ]
    assert (whole["local"], whole["messages"][0]["remote"]) == ("127.0.0.1:5080", "127.0.0.9:5060")
    assert NUMBER in whole["messages"][0]["text"]
    assert masked["messages"][0]["first_line"] == "INVITE sip:+7900xxxx567@127.0.0.9 SIP/2.0"
    for seen in masked["messages"]:
        assert NUMBER not in seen["text"]
        assert "74951112233" not in seen["text"]
    assert [len(m["text"]) for m in masked["messages"]] == [len(m["text"]) for m in whole["messages"]]
    assert "secret" not in str(whole)


async def test_the_capture_is_masked_too_and_keeps_its_size(
    client: Client, pool: Pool, campaign_id: int, make_key: MakeKey
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id)
    path = f"/v1/attempts/{attempt_id}/trace.pcap"

    whole = await client.get(path)
    masked = await client.get(path, headers=await make_key("reports:read"))

    assert whole.headers["content-type"] == "application/vnd.tcpdump.pcap"
    assert whole.headers["content-disposition"] == f'attachment; filename="call-{attempt_id}.pcap"'
    assert whole.content[:4] == masked.content[:4] == bytes.fromhex("d4c3b2a1")
    assert NUMBER.encode() in whole.content
    assert NUMBER.encode() not in masked.content
    assert len(whole.content) == len(masked.content)


@pytest.mark.parametrize("key", ["1", "abc", "9223372036854775808", "734912345678901248-ffff", "%00"])
async def test_what_nobody_called_is_a_404(client: Client, key: str) -> None:
    response = await client.get(f"/v1/attempts/{key}")
    assert (response.status_code, code_of(response)) == (404, "attempt_not_found")


async def test_another_call_id_with_the_same_beginning_is_nobodys(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id)
    response = await client.get(f"/v1/attempts/{attempt_id}-guess")
    assert code_of(response) == "attempt_not_found"


async def test_messages_that_are_not_kept_are_said_to_be_so(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id, has_trace=False)
    for path in ("trace", "trace.pcap"):
        response = await client.get(f"/v1/attempts/{attempt_id}/{path}")
        assert (response.status_code, code_of(response)) == (404, "trace_not_found")


async def test_the_scope_is_needed(client: Client, make_key: MakeKey) -> None:
    response = await client.get("/v1/attempts/1/trace", headers=await make_key("campaigns:read"))
    assert response.status_code == 403
