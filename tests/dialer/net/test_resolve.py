import pytest

from dialer.net.resolve import is_address, resolve


async def test_an_address_stands_for_itself_for_ever() -> None:
    for host in ("192.0.2.1", "2001:db8::1"):
        assert is_address(host)
        found = await resolve(host, 5070)
        assert (found.addresses, found.ttl_seconds) == (((host, 5070),), float("inf"))


async def test_the_systems_names_are_found() -> None:
    found = await resolve("localhost", 5060)
    assert ("127.0.0.1", 5060) in found.addresses
    assert len(set(found.addresses)) == len(found.addresses)


async def test_a_name_that_cannot_be_raises() -> None:
    with pytest.raises((OSError, UnicodeError)):
        await resolve("no-such-host.invalid", 5060)
