"""
A dialog that an 18x began and no 2xx has confirmed (RFC 3261 §12.1): one per To-tag, several when a proxy forks.

Nearly all of them only ring, so the `Dialog` itself is made when something is first asked of it: a PRACK of ours
(RFC 3262) or an UPDATE of the peer (RFC 3311).
"""

from dialer.sip.dialog import Dialog
from dialer.sip.hop import Hop
from dialer.sip.message import Request, Response
from dialer.sip.sdp import NegotiatedMedia


class EarlyDialog:
    """What is known of one callee who has not answered."""

    __slots__ = ("_response", "_rseq", "_source", "dialog", "is_answered", "media")

    def __init__(self, response: Response, source: Hop) -> None:
        self._response = response
        self._source = source
        self._rseq: int | None = None
        self.dialog: Dialog | None = None
        self.media: NegotiatedMedia | None = None
        """The newest description of this callee."""
        self.is_answered = False
        """A reliable provisional held the answer to our offer, so that nothing later replaces it (RFC 3262 §5)."""

    def open(self, invite: Request) -> Dialog:
        """Give the dialog, made of its first 18x (§12.1.2)."""
        if self.dialog is None:
            self.dialog = Dialog.of_answer(invite, self._response, self._source)
        return self.dialog

    def takes(self, rseq: int) -> bool:
        """Check and note a reliable provisional: each number once and in order, whatever the first is (RFC 3262 §4)."""
        if self._rseq is not None and rseq != self._rseq + 1:
            return False
        self._rseq = rseq
        return True

    def note_answer(self, media: NegotiatedMedia | None, *, is_reliable: bool) -> None:
        """Take the description of an 18x."""
        if media is not None:
            self.media = media
            self.is_answered = self.is_answered or is_reliable
