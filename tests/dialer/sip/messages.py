"""Messages that the tests of this folder feed to machines."""

from collections.abc import Callable

from dialer.sip.fields import Headers
from dialer.sip.hop import Hop
from dialer.sip.message import Request, Response, response_to

ADDRESS = Hop("127.0.0.9", 5060)


def request(
    method: str = "INVITE",
    *,
    branch: str = "z9hG4bKone",
    to_tag: str | None = None,
    from_tag: str = "ours",
    call_id: str = "call",
    cseq: int = 1,
    uri: str = "sip:79000000001@127.0.0.9",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    fields = Headers(
        [
            ("Via", f"SIP/2.0/UDP 127.0.0.1:5060;branch={branch}"),
            ("From", f"<sip:100@127.0.0.9>;tag={from_tag}"),
            ("To", "<sip:79000000001@127.0.0.9>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", "<sip:100@127.0.0.1:5060>"),
            *headers,
        ]
    )
    made = Request(method, uri, fields, body)
    made.reply_to = ADDRESS
    return made


def response(
    status_code: int,
    of: Request | None = None,
    *,
    to_tag: str = "callee",
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    answer = response_to(of or request(), status_code, to_tag=to_tag)
    for name, value in headers:
        answer.headers.add(name, value)
    return answer


def counting_rng() -> Callable[[int], bytes]:
    """Bytes that differ with every call, and are the same in every run."""
    count = 0

    def rng(size: int) -> bytes:
        nonlocal count
        count += 1
        return count.to_bytes(size, "big")

    return rng
