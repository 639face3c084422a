"""What a trunk's name stands for: its addresses, first choice first, and how long they are good."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Final

import msgspec

_TTL_SECONDS: Final = 60.0
"""Of what the system's resolver tells, which says no time."""


class Resolved(msgspec.Struct, frozen=True):
    """The addresses of a name, and for how many seconds they are good."""

    addresses: tuple[tuple[str, int], ...]
    ttl_seconds: float


async def resolve(host: str, port: int) -> Resolved:
    """
    Find the addresses.

    Raises:
        OSError, UnicodeError: there are none.
    """
    if is_address(host):
        return Resolved(((host, port),), float("inf"))
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)  # IPv4 first: every node has an address of it
    return Resolved(tuple(dict.fromkeys((str(entry[4][0]), port) for entry in found)), _TTL_SECONDS)


def is_address(host: str) -> bool:
    """Tell an IP address from a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
