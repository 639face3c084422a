"""
Digest authentication of 401 and 407 (RFC 7616; in SIP RFC 3261 §22.4 and RFC 8760).

The client side is `parse_challenges`, `strongest`, `authorization`; `DigestVerifier` is the far end's side, for
tests and the simulated carrier.
"""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import md5, new, sha256
from hmac import compare_digest
from typing import Final

import msgspec

from dialer.config import Secret
from dialer.errors import InvalidHeader
from dialer.sip.grammar import is_token, quote, split_outside_quotes, unquote

_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "SHA-512-256": lambda data: new("sha512_256", data).hexdigest(),
    "SHA-256": lambda data: sha256(data).hexdigest(),
    "MD5": lambda data: md5(data, usedforsecurity=False).hexdigest(),
}
"""Strongest first. MD5 is what most trunks ask for."""
_SESSION: Final = "-SESS"
_RANKS: Final = {name: rank for rank, name in enumerate(_HASHES)}
_MAX_NONCES: Final = 1_000


class Credentials(msgspec.Struct, frozen=True):
    """Who we are to a trunk."""

    username: str
    password: Secret


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """A `WWW-Authenticate` or `Proxy-Authenticate` value with the scheme Digest."""

    realm: str
    nonce: str
    opaque: str | None = None
    algorithm: str | None = None
    """As written; None means MD5 (RFC 7616 §3.3)."""
    qop: tuple[str, ...] = ()
    """`auth`, `auth-int`; empty where the server is older than RFC 2617."""
    is_stale: bool = False
    """The nonce was too old, the password may be right (RFC 7616 §3.3)."""

    @property
    def hash_name(self) -> str:
        """The algorithm without `-sess`, in upper case."""
        return (self.algorithm or "MD5").upper().removesuffix(_SESSION)

    @property
    def is_known(self) -> bool:
        """Whether we can answer it."""
        return self.hash_name in _HASHES and (not self.qop or bool({"auth", "auth-int"} & set(self.qop)))


def parse_challenges(values: list[str]) -> list[Challenge]:
    """Read header values; other schemes and malformed challenges are left out."""
    challenges = []
    for value in values:
        try:
            params = _parse_digest(value)
            challenges.append(
                Challenge(
                    realm=params["realm"],
                    nonce=params["nonce"],
                    opaque=params.get("opaque"),
                    algorithm=params.get("algorithm"),
                    qop=tuple(
                        [name.strip().lower() for name in params.get("qop", "").split(",") if name.strip()]
                    ),
                    is_stale=params.get("stale", "").lower() == "true",
                )
            )
        except (InvalidHeader, KeyError):
            continue
    return challenges


def strongest(challenges: list[Challenge]) -> Challenge | None:
    """
    The strongest algorithm that we know, the first of equals.

    RFC 8760 §2.4 takes the topmost unless local policy says otherwise; ours is that a wrong order of a server's
    list shall not weaken it.
    """
    known = [challenge for challenge in challenges if challenge.is_known]
    return min(known, key=lambda challenge: _RANKS[challenge.hash_name], default=None)


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, body: bytes, cnonce: str, nc: int
) -> str:
    """
    The value of `Authorization` or `Proxy-Authorization`.

    `challenge` is one that `is_known`, `uri` the Request-URI as sent, `cnonce` random hex digits, `nc` how many
    requests have used this nonce, this one included. `auth` is preferred to `auth-int`, which hashes the body.

    RFC 7616 §3.4.
    """
    qop = "auth" if "auth" in challenge.qop else "auth-int" if "auth-int" in challenge.qop else None
    response = _response(
        challenge,
        username=credentials.username,
        password=credentials.password,
        method=method,
        uri=uri,
        body=body,
        qop=qop,
        cnonce=cnonce,
        nc=f"{nc:08x}",
    )
    fields = [
        f"username={quote(credentials.username)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{response}"',
    ]
    if challenge.algorithm is not None:
        fields.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        fields.append(f"opaque={quote(challenge.opaque)}")
    if qop is not None:
        fields.append(f"qop={qop}, nc={nc:08x}")
    if qop is not None or _is_session(challenge):
        fields.append(f'cnonce="{cnonce}"')
    return "Digest " + ", ".join(fields)


class DigestVerifier:
    """The server's side: issues nonces and checks answers; each nonce count is good once (RFC 7616 §5.12)."""

    def __init__(
        self,
        realm: str,
        passwords: Mapping[str, str],
        rng: Callable[[int], bytes],
        *,
        algorithm: str = "MD5",
        qop: tuple[str, ...] = ("auth",),
    ) -> None:
        self.realm = realm
        self.algorithm = algorithm
        self.qop = qop
        self._passwords = passwords
        self._rng = rng
        self._counts: dict[str, int] = {}

    def challenge(self) -> str:
        """A fresh header value."""
        while len(self._counts) >= _MAX_NONCES:
            del self._counts[next(iter(self._counts))]
        nonce = self._rng(16).hex()
        self._counts[nonce] = 0
        qop = f', qop="{",".join(self.qop)}"' if self.qop else ""
        return f'Digest realm={quote(self.realm)}, nonce="{nonce}", algorithm={self.algorithm}{qop}'

    def verify(self, value: str, method: str, body: bytes) -> str | None:
        """The user whom this `Authorization` value proves, or None."""
        try:
            params = _parse_digest(value)
            username, nonce, uri, response = (
                params[name] for name in ("username", "nonce", "uri", "response")
            )
            qop = params.get("qop")
            nc = int(params["nc"], 16) if qop is not None else 1
        except (InvalidHeader, KeyError, ValueError):
            return None
        is_fresh = qop is None or nc > self._counts.get(nonce, nc)
        if nonce not in self._counts or not is_fresh or username not in self._passwords:
            return None
        if (qop is None) != (not self.qop) or (qop is not None and qop not in self.qop):
            return None
        expected = _response(
            Challenge(realm=self.realm, nonce=nonce, algorithm=self.algorithm, qop=self.qop),
            username=username,
            password=self._passwords[username],
            method=method,
            uri=uri,
            body=body,
            qop=qop,
            cnonce=params.get("cnonce", ""),
            nc=params.get("nc", ""),
        )
        if not compare_digest(expected.encode(), response.encode("utf-8", "replace")):
            return None
        self._counts[nonce] = nc
        return username


def _is_session(challenge: Challenge) -> bool:
    return (challenge.algorithm or "").upper().endswith(_SESSION)


def _response(
    challenge: Challenge,
    *,
    username: str,
    password: str,
    method: str,
    uri: str,
    body: bytes,
    qop: str | None,
    cnonce: str,
    nc: str,
) -> str:
    hash_of = _HASHES[challenge.hash_name]
    digest = partial(_digest_of_fields, hash_of)
    a1 = digest(username, challenge.realm, password)
    if _is_session(challenge):
        a1 = digest(a1, challenge.nonce, cnonce)
    a2 = digest(method, uri, hash_of(body)) if qop == "auth-int" else digest(method, uri)
    if qop is None:
        return digest(a1, challenge.nonce, a2)  # RFC 2069
    return digest(a1, challenge.nonce, nc, cnonce, qop, a2)


def _digest_of_fields(hash_of: Callable[[bytes], str], *fields: str) -> str:
    return hash_of(":".join(fields).encode("utf-8", "surrogateescape"))


def _parse_digest(value: str) -> dict[str, str]:
    """The fields of a Digest challenge or answer, unquoted, names in lower case."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise InvalidHeader("challenge", value)
    params = {}
    for part in split_outside_quotes(rest, ","):
        name, has_value, field = part.partition("=")
        name = name.strip().lower()
        if not has_value or not is_token(name):
            raise InvalidHeader("challenge", value)
        params[name] = unquote(field.strip())
    return params
