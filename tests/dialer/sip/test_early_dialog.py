from dialer.sip.early_dialog import EarlyDialog
from dialer.sip.sdp import NegotiatedMedia
from tests.dialer.sip.messages import ADDRESS, request, response

MEDIA = NegotiatedMedia(
    remote_host="127.0.0.9", remote_port=30_000, payload_type=0, telephone_event_payload_type=None
)


def early() -> EarlyDialog:
    return EarlyDialog(response(183), ADDRESS)


def test_numbers_of_reliable_provisionals_are_taken_once_and_in_order() -> None:
    """RFC 3262 §4: the first may be any number."""
    callee = early()

    assert [callee.takes(rseq) for rseq in (988_789, 988_789, 988_791, 988_790, 988_791, 1)] == [
        True, False, False, True, True, False,
    ]  # fmt: skip


def test_a_dialog_is_opened_once() -> None:
    callee = early()
    dialog = callee.open(request())

    assert callee.open(request()) is dialog
    assert (dialog.remote_tag, dialog.local_cseq) == ("callee", 1)


def test_only_a_reliable_description_is_the_answer() -> None:
    callee = early()
    callee.note_answer(None, is_reliable=True)
    assert (callee.media, callee.is_answered) == (None, False)
    callee.note_answer(MEDIA, is_reliable=False)
    assert (callee.media, callee.is_answered) == (MEDIA, False)
    callee.note_answer(MEDIA, is_reliable=True)
    assert callee.is_answered
