"""A DNS server on loopback, over UDP: answers from records that a test writes, and keeps count of what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Address = tuple[str, int]


class DnsServer(asyncio.DatagramProtocol):
    """`records` by name and kind, e.g. `("_sip._udp.x.test", "SRV")`: TTL, then what each record says."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.silent_about: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.address: Address = ("", 0)

    def add(self, name: str, kind: str, *texts: str, ttl: int = 300) -> None:
        self.records[name, kind] = (ttl, list(texts))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = question.rdtype.name
        self.asked.append((name, kind))
        if name in self.silent_about:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        alias = self.records.get((name, "CNAME"))
        if alias is not None:
            response.answer.append(dns.rrset.from_text(question.name, alias[0], "IN", "CNAME", *alias[1]))
            name = alias[1][0].rstrip(".")
        if (record := self.records.get((name, kind))) is not None:
            response.answer.append(dns.rrset.from_text(f"{name}.", record[0], "IN", kind, *record[1]))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(response.to_wire(), addr)


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(DnsServer, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
