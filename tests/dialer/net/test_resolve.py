"""RFC 3263 §4.2 and RFC 2782 against a real DNS server on loopback."""

from collections.abc import AsyncIterator

import pytest

from dialer.net.resolve import Resolved, ResolveError, Resolver, Target, hosts_of, is_address
from dialer.transport_config import Transport
from tests.dialer.net.dns_server import DnsServer, dns_server


@pytest.fixture
async def dns() -> AsyncIterator[DnsServer]:
    async with dns_server() as server:
        yield server


async def find(
    dns: DnsServer, host: str, port: int | None = None, transport: Transport = "udp", *, has_ipv6: bool = True
) -> Resolved:
    return await Resolver([dns.address], has_ipv6=has_ipv6).resolve(host, port, transport)


def places(found: Resolved) -> list[tuple[str, int, int]]:
    return [(target.host, target.port, target.rank) for target in found.targets]


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_stands_for_itself_for_ever_and_nobody_is_asked(dns: DnsServer, host: str) -> None:
    assert is_address(host)
    assert await find(dns, host, 5070) == Resolved((Target(host, 5070),), float("inf"))
    assert places(await find(dns, host, None, "tls")) == [(host, 5061, 0)], "the transport's own port"
    assert dns.asked == []


async def test_srv_records_give_hosts_and_ports_by_priority_and_weight(dns: DnsServer) -> None:
    dns.add("_sip._udp.carrier.test", "SRV", "20 0 5060 c.carrier.test.", "10 60 5080 a.carrier.test.",
            "10 40 5060 b.carrier.test.")  # fmt: skip
    dns.add("a.carrier.test", "A", "192.0.2.1")
    dns.add("b.carrier.test", "A", "192.0.2.2")
    dns.add("c.carrier.test", "A", "192.0.2.3")
    found = await find(dns, "carrier.test")
    assert places(found) == [("192.0.2.1", 5080, 0), ("192.0.2.2", 5060, 0), ("192.0.2.3", 5060, 1)]
    assert [target.weight for target in found.targets] == [6_000, 4_000, 1]


@pytest.mark.parametrize(
    ("transport", "service", "port"),
    [("udp", "_sip._udp", 5060), ("tcp", "_sip._tcp", 5060), ("tls", "_sips._tcp", 5061)],
)
async def test_each_transport_has_its_service_and_its_default_port(
    dns: DnsServer, transport: Transport, service: str, port: int
) -> None:
    dns.add("carrier.test", "A", "192.0.2.9")
    assert places(await find(dns, "carrier.test", None, transport)) == [("192.0.2.9", port, 0)]
    dns.add(f"{service}.carrier.test", "SRV", "0 0 7000 carrier.test.")
    assert places(await find(dns, "carrier.test", None, transport)) == [("192.0.2.9", 7000, 0)]


async def test_a_port_that_is_written_skips_srv(dns: DnsServer) -> None:
    dns.add("_sip._udp.carrier.test", "SRV", "0 0 7000 carrier.test.")
    dns.add("carrier.test", "A", "192.0.2.9")
    assert places(await find(dns, "carrier.test", 5070)) == [("192.0.2.9", 5070, 0)]
    assert all(kind != "SRV" for _, kind in dns.asked)


async def test_the_records_of_one_name_have_no_order_among_them_but_ipv4_comes_first(dns: DnsServer) -> None:
    """RFC 2181 §5: a set. However DNS turns it, what comes out is the same, or every watch would begin anew."""
    dns.add("carrier.test", "A", "192.0.2.2", "192.0.2.1")
    dns.add("carrier.test", "AAAA", "2001:db8::1")
    expected = [("192.0.2.1", 5060, 0), ("192.0.2.2", 5060, 0), ("2001:db8::1", 5060, 1)]
    assert places(await find(dns, "carrier.test")) == expected
    dns.add("carrier.test", "A", "192.0.2.1", "192.0.2.2")
    assert places(await find(dns, "carrier.test")) == expected


async def test_a_servers_weight_is_shared_by_its_addresses(dns: DnsServer) -> None:
    dns.add("_sip._udp.carrier.test", "SRV", "0 10 5060 a.carrier.test.", "0 10 5060 b.carrier.test.")
    dns.add("a.carrier.test", "A", "192.0.2.1", "192.0.2.2")
    dns.add("b.carrier.test", "A", "192.0.2.3")
    found = await find(dns, "carrier.test")
    assert {target.host: target.weight for target in found.targets} == {
        "192.0.2.1": 500, "192.0.2.2": 500, "192.0.2.3": 1_000,
    }  # fmt: skip


async def test_a_name_that_has_ipv6_alone_leads_there(dns: DnsServer) -> None:
    dns.add("_sip._udp.carrier.test", "SRV", "0 0 5060 six.carrier.test.")
    dns.add("six.carrier.test", "AAAA", "2001:db8::6")
    assert places(await find(dns, "carrier.test")) == [("2001:db8::6", 5060, 0)]


async def test_a_node_without_ipv6_gets_no_such_address_and_is_told_so(dns: DnsServer) -> None:
    dns.add("six.carrier.test", "AAAA", "2001:db8::6")
    dns.add("both.carrier.test", "AAAA", "2001:db8::6")
    dns.add("both.carrier.test", "A", "192.0.2.1")
    assert places(await find(dns, "both.carrier.test", has_ipv6=False)) == [("192.0.2.1", 5060, 0)]
    with pytest.raises(ResolveError, match="OBZVON_SIP_HOST_IPV6") as caught:
        await find(dns, "six.carrier.test", has_ipv6=False)
    assert (caught.value.code, caught.value.name) == ("other_ip_family", "six.carrier.test")


async def test_the_shortest_time_on_the_way_counts(dns: DnsServer) -> None:
    dns.add("_sip._udp.carrier.test", "SRV", "0 0 5060 a.carrier.test.", ttl=300)
    dns.add("a.carrier.test", "A", "192.0.2.1", ttl=40)
    assert (await find(dns, "carrier.test")).ttl_seconds == 40
    dns.add("alias.test", "CNAME", "a.carrier.test.", ttl=7)
    found = await find(dns, "alias.test")
    assert (places(found), found.ttl_seconds) == ([("192.0.2.1", 5060, 0)], 7)


async def test_a_host_of_srv_without_an_address_is_passed_over_and_named(dns: DnsServer) -> None:
    dns.add("_sip._udp.carrier.test", "SRV", "10 0 5060 gone.carrier.test.", "20 0 5060 a.carrier.test.")
    dns.add("a.carrier.test", "A", "192.0.2.1")
    found = await find(dns, "carrier.test")
    assert places(found) == [("192.0.2.1", 5060, 0)]
    assert found.unknown_hosts == ("gone.carrier.test",)


@pytest.mark.parametrize(
    ("host", "code", "name"),
    [
        ("no-such.test", "no_such_name", "no-such.test"),
        ("lost.test", "no_such_name", "gone.lost.test"),
        ("refused.test", "service_refused", "_sip._udp.refused.test"),
        ("a..b", "no_such_name", "_sip._udp.a..b"),
        (f"{'x' * 64}.test", "no_such_name", f"_sip._udp.{'x' * 64}.test"),
    ],
)
async def test_what_leads_nowhere_says_why(dns: DnsServer, host: str, code: str, name: str) -> None:
    dns.add("_sip._udp.lost.test", "SRV", "0 0 5060 gone.lost.test.")
    dns.add("_sip._udp.refused.test", "SRV", "0 0 0 .")
    with pytest.raises(ResolveError) as caught:
        await find(dns, host)
    assert (caught.value.code, caught.value.name) == (code, name)
    assert name in str(caught.value)


async def test_a_dns_server_that_does_not_answer_is_no_missing_name() -> None:
    nobody = Resolver([("127.0.0.1", 9)])
    with pytest.raises(ResolveError) as caught:
        await nobody.resolve("carrier.test", None, "udp")
    assert caught.value.code == "dns_silent"


async def test_the_systems_hosts_file_goes_before_dns(dns: DnsServer) -> None:
    found = await find(dns, "localhost")
    assert ("127.0.0.1", 5060, 0) in places(found)
    assert dns.asked == []


def test_a_hosts_file_is_read_as_the_system_reads_it() -> None:
    text = "# 192.0.2.1 x\n::1 Carrier.Test localhost\n192.0.2.7\tcarrier.test # 192.0.2.8 b\n\nnot-an-address carrier.test\n"
    assert hosts_of(text, "CARRIER.test.") == ["192.0.2.7", "::1"]
    assert hosts_of(text, "x") == hosts_of(text, "b") == []
