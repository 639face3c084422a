"""
Signed webhooks (Standard Webhooks) to addresses that users name, which must not lead into our own network.

Every address of the host is looked at, and the connection goes to one of those that were looked at: a name that resolves
differently a moment later changes nothing. Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from api.delivery_error import ErrorCode, NotSent

TIMEOUT_SECONDS: Final = 15.0
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
GONE: Final = 410


class WebhookRefused(NotSent):
    """The address may not be called; trying again changes nothing."""


class WebhookFailed(NotSent):
    """The receiver did not take it this time."""

    def __init__(self, code: ErrorCode, detail: str = "", *, is_gone: bool = False) -> None:
        super().__init__(code, detail)
        self.is_gone = is_gone
        """It asks never to be called again."""


def is_public(text: str) -> bool:
    """Tell whether an IP address lies in the public internet; of one that carries another, the other decides too."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address.sixtofour is not None or address.teredo is not None or address in NAT64:
            return False
    return address.is_global and not address.is_multicast


async def resolve(host: str, port: int, *, allows_private: bool) -> str:
    """
    Return an address of the host.

    Raises:
        WebhookRefused: one of its addresses is not public.
        WebhookFailed: it has none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WebhookFailed("webhook_no_address", host) from error
    addresses = [str(place[4][0]).partition("%")[0] for place in found]
    if not allows_private and not all(is_public(address) for address in addresses):
        raise WebhookRefused("webhook_private", host)
    return addresses[0]


async def send_webhook(
    url: str,
    secret: str,
    message_id: str,
    body: bytes,
    now: datetime,
    *,
    allows_private: bool,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> None:
    """
    POST a JSON body, signed. `message_id` is the same at every try, so that a receiver can drop what it has.

    Raises:
        WebhookRefused: the address is private, or not https.
        WebhookFailed: no answer in time, or none of 2xx.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not allows_private:
        raise WebhookRefused("webhook_not_https")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(timeout_seconds):
            address = await resolve(host, port, allows_private=allows_private)
            status = await post(url, host, address, signed_headers(secret, message_id, body, now), body)
    except TimeoutError as error:
        raise WebhookFailed("webhook_no_answer", f"{timeout_seconds:g} s") from error
    except httpx.HTTPError as error:
        raise WebhookFailed("webhook_unreachable", f"{type(error).__name__}: {error}"[:200]) from error
    if not 200 <= status < 300:
        raise WebhookFailed("webhook_refused", f"HTTP {status}", is_gone=status == GONE)


async def post(url: str, host: str, address: str, headers: dict[str, str], body: bytes) -> int:
    target = httpx.URL(url)
    pinned = target.copy_with(host=address)
    headers = {**headers, "Host": target.netloc.decode()}
    async with (
        # no proxy of the environment, which would resolve the name anew
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS) as client,
        client.stream(
            "POST", pinned, content=body, headers=headers, extensions={"sni_hostname": host}
        ) as response,
    ):
        return response.status_code  # whatever it says more is not read


def signed_headers(secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "obzvon",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }
