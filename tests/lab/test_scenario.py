"""The harness tests itself: what it takes for a right ladder, and whether the folders are whole."""

from typing import Literal

import msgspec
import pytest

from dialer.sip.trace import TraceRecord
from tests.lab.scenario import FOLDER, Expected, Path_, Run, Scenario, agrees, label, runs

pytestmark = pytest.mark.lab
LADDER = "INVITE,100,180,CANCEL,200/CANCEL,487,ACK"


def run(path: Path_ = "direct", network: str = "clean") -> Run:
    expected = Expected(result="cancelled", ended_by="us", reason="hang_up", ladder=LADDER)
    scenario = Scenario(summary="s", description="d", expected=expected)
    return Run("name", scenario, 100, 0, path, "udp", network)


def message(direction: Literal["sent", "received"], first_line: str, cseq: str) -> TraceRecord:
    return TraceRecord(
        at=0.0,
        direction=direction,
        first_line=first_line,
        call_id="c",
        cseq=cseq,
        size_bytes=1,
        remote=("127.0.0.9", 5060),
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (message("sent", "INVITE sip:1@h SIP/2.0", "1 INVITE"), "INVITE"),
        (message("received", "SIP/2.0 180 Ringing", "1 INVITE"), "180"),
        (message("received", "SIP/2.0 200 OK", "2 BYE"), "200/BYE"),
        (message("received", "BYE sip:1@h SIP/2.0", "1 BYE"), "<BYE"),
        (message("sent", "SIP/2.0 200 OK", "1 BYE"), "<200/BYE"),
        (message("sent", "SIP/2.0 200 OK", "1 INVITE"), "<200"),
    ],
)
def test_a_label_says_whose_transaction_a_message_belongs_to(record: TraceRecord, expected: str) -> None:
    assert label(record) == expected


def test_retransmissions_may_repeat_messages() -> None:
    assert agrees(
        ["INVITE", "INVITE", "100", "180", "CANCEL", "200/CANCEL", "487", "ACK", "487", "ACK"], LADDER, run()
    )


@pytest.mark.parametrize(
    "ladder",
    [
        "INVITE,100,180,CANCEL,200/CANCEL,487",
        "INVITE,100,180,CANCEL,200/CANCEL,487,ACK,BYE",
        "INVITE,100,CANCEL,180,200/CANCEL,487,ACK",
    ],
    ids=["a message is missing", "a message is new", "the order is another"],
)
def test_without_loss_any_other_ladder_is_wrong(ladder: str) -> None:
    assert not agrees(ladder.split(","), LADDER, run())


def test_a_repetition_that_is_expected_must_come() -> None:
    assert not agrees(["INVITE", "200", "ACK"], "INVITE,200,ACK,200,ACK", run())


def test_a_proxy_may_answer_the_cancel_late_but_not_never() -> None:
    late = ["INVITE", "100", "180", "CANCEL", "487", "ACK", "200/CANCEL"]

    assert agrees(late, LADDER, run("kamailio"))
    assert not agrees(late, LADDER, run())
    assert not agrees(late[:-1], LADDER, run("kamailio"))


def test_with_loss_messages_may_be_missing_and_none_may_be_new() -> None:
    assert agrees(["INVITE", "CANCEL", "487", "ACK"], LADDER, run(network="loss20"))
    assert not agrees(["INVITE", "200", "ACK"], LADDER, run(network="loss20"))


def test_what_may_stand_besides_may_only_where_the_network_is_bad() -> None:
    late = [*LADDER.split(","), "<500/INFO"]
    assert agrees(late, LADDER, run(network="loss20"), ["<500/INFO"])
    assert not agrees(late, LADDER, run(), ["<500/INFO"])


def test_a_proxy_changes_only_what_the_folder_says() -> None:
    direct = run().scenario
    proxied = msgspec.structs.replace(direct, through_kamailio={"sip_status": 500})

    assert proxied.expected_on("direct") == direct.expected
    assert proxied.expected_on("kamailio") == msgspec.structs.replace(direct.expected, sip_status=500)


def test_every_folder_is_whole_and_says_something_of_its_own() -> None:
    scenarios = {run.name: run.scenario for run in runs()}

    assert len({scenario.summary for scenario in scenarios.values()}) == len(scenarios)
    for name, scenario in scenarios.items():
        assert (FOLDER / name / "uas.xml").exists() == (scenario.far_end == "sipp"), name
        scenario.expected_on("kamailio")
    assert {file.parent.name for file in FOLDER.glob("**/uas.xml")} <= {
        name.rpartition("/")[2] for name in scenarios
    }
