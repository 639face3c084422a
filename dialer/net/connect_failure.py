"""Why a connection could not be opened, in codes that have a remedy each (`obzvon doctor`)."""

import errno
import ssl
from typing import Final, Literal

import msgspec

from dialer.errors import ConfigError

FailureCode = Literal[
    "refused", "timed_out", "unreachable", "lost", "certificate_expired", "certificate_not_yet_valid",
    "certificate_for_another_name", "certificate_of_unknown_authority", "certificate_unusable",
    "our_certificate_wanted", "not_tls", "tls_failed", "tls_files_unusable",
]  # fmt: skip

_VERIFY_CODES: Final[dict[int, FailureCode]] = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_of_unknown_authority",  # self-signed
    19: "certificate_of_unknown_authority",  # a self-signed one in the chain
    20: "certificate_of_unknown_authority",
    21: "certificate_of_unknown_authority",
    62: "certificate_for_another_name",
    64: "certificate_for_another_name",  # an IP address
}
"""OpenSSL's X509_V_ERR_*, openssl/x509_vfy.h."""
_NOT_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"}
)
_ALERTS_ABOUT_US: Final = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA")
_NO_ROUTE: Final = frozenset(
    {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EINVAL,
    }
)


class ConnectFailure(msgspec.Struct, frozen=True):
    """One failure. `detail` is the system's or OpenSSL's own words."""

    code: FailureCode
    detail: str


def failure_of(error: BaseException | None) -> ConnectFailure:
    """Name what an exception of connecting means; None is a connection that the peer has closed."""
    return ConnectFailure(_code_of(error), "" if error is None else str(error) or type(error).__name__)


def _code_of(error: BaseException | None) -> FailureCode:
    match error:
        case ConfigError():
            return "tls_files_unusable"
        case ssl.SSLCertVerificationError():
            return _VERIFY_CODES.get(getattr(error, "verify_code", 0), "certificate_unusable")
        case ssl.SSLError():
            reason = getattr(error, "reason", None) or ""
            if reason in _NOT_TLS:
                return "not_tls"
            if "ALERT" in reason and reason.endswith(_ALERTS_ABOUT_US):
                return "our_certificate_wanted"
            return "tls_failed"
        case TimeoutError():
            return "timed_out"
        case ConnectionRefusedError():
            return "refused"
        case OSError() if error.errno in _NO_ROUTE:
            return "unreachable"
        case _:
            return "lost"
