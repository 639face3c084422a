import errno
import ssl

import pytest

from dialer.errors import ConfigError
from dialer.net.connect_failure import failure_of


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, "lost"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refused"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "lost"),
        (TimeoutError(), "timed_out"),
        (OSError(errno.ETIMEDOUT, "timed out"), "timed_out"),
        (OSError(errno.ENETUNREACH, "no route"), "unreachable"),
        (OSError(errno.EHOSTUNREACH, "no route"), "unreachable"),
        (OSError(errno.EADDRNOTAVAIL, "not ours"), "unreachable"),
        (OSError(errno.EIO, "odd"), "lost"),
        (ConfigError("no file"), "tls_files_unusable"),
        (ssl.SSLCertVerificationError("odd"), "certificate_unusable"),
        (ssl.SSLError("odd"), "tls_failed"),
    ],
)
def test_each_error_has_a_code(error: BaseException | None, code: str) -> None:
    assert failure_of(error).code == code


def test_the_words_are_the_systems() -> None:
    assert failure_of(OSError(errno.EIO, "odd")).detail == "[Errno 5] odd"
    assert failure_of(TimeoutError()).detail == "TimeoutError"
