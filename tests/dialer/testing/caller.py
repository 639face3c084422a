"""A tiny UAC for the tests of the far end: builds the requests of one call, knows nothing else."""

from dialer.sip.fields import Headers
from dialer.sip.message import Request, Response, response_to
from dialer.sip.sdp import build_offer


class Caller:
    """The requests of one Call-ID."""

    def __init__(
        self, number: str, call_id: str = "call-1", *, port: int = 5080, rtp_port: int = 20_000
    ) -> None:
        self.call_id = call_id
        self._uri = f"sip:{number}@127.0.0.9"
        self._sent_by = f"127.0.0.1:{port}"
        self._sdp = build_offer("127.0.0.1", rtp_port, 1)
        self.to_tag: str | None = None

    def invite(self) -> Request:
        request = self._request("INVITE", "z9hG4bKinvite", 1)
        request.headers.set("Content-Type", "application/sdp")
        request.body = self._sdp
        return request

    def cancel(self) -> Request:
        return self._request("CANCEL", "z9hG4bKinvite", 1)

    def ack(self) -> Request:
        return self._request("ACK", "z9hG4bKack", 1)

    def bye(self) -> Request:
        return self._request("BYE", "z9hG4bKbye", 2)

    def accept(self, request: Request) -> Response:
        return response_to(request, 200)

    def _request(self, method: str, branch: str, cseq: int) -> Request:
        tag = "" if self.to_tag is None or method in {"INVITE", "CANCEL"} else f";tag={self.to_tag}"
        headers = Headers(
            [
                ("Via", f"SIP/2.0/UDP {self._sent_by};branch={branch};rport"),
                ("Max-Forwards", "70"),
                ("From", "<sip:100@127.0.0.9>;tag=caller"),
                ("To", f"<{self._uri}>{tag}"),
                ("Call-ID", self.call_id),
                ("CSeq", f"{cseq} {method}"),
                ("Contact", f"<sip:100@{self._sent_by}>"),
            ]
        )
        return Request(method, self._uri, headers)
