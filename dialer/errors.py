"""
Exceptions of the dialer. A busy callee or a silent trunk is not one of them: those are `Outcome` values.

    DialerError
    ├── ConfigError(ValueError)             a setting is wrong; raised before any packet
    ├── LocalProtocolError(AssertionError)  our code asked for what the RFC forbids in this state: a bug
    ├── RemoteProtocolError                 the peer's bytes break the grammar; counted and answered, never fatal
    │   ├── MessageTooLarge
    │   ├── InvalidHeader
    │   └── InvalidSdp
    ├── InvalidAudio(ValueError)            a sound file that cannot be played
    ├── TransportError(OSError)             a socket failed
    └── DialerClosed                        used after shutdown
"""

from typing import Self


class DialerError(Exception):
    """Base of every error that the dialer raises."""


class ConfigProblem(str):
    """One wrong setting: a sentence with its remedy; `field`, `code` and `params` let others say it in their words."""

    __slots__ = ("__dict__",)
    field: str
    code: str
    params: dict[str, float]

    def __new__(cls, field: str, code: str, sentence: str, **params: float) -> Self:
        self = super().__new__(cls, f"{field}: {sentence}")
        self.field, self.code, self.params = field, code, params
        return self


class ConfigError(DialerError, ValueError):
    """A setting is wrong. `problems` names all of them, each with its remedy."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class LocalProtocolError(DialerError, AssertionError):
    """Our own code asked for something that the protocol forbids in this state."""


class RemoteProtocolError(DialerError):
    """The peer's bytes break the grammar. `status_hint` is what a request is answered with (RFC 3261 §21.4)."""

    def __init__(self, message: str, *, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint


class MessageTooLarge(RemoteProtocolError):
    """The message exceeds a limit of `dialer.config.Limits` (answered 513)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status_hint=513)


class InvalidHeader(RemoteProtocolError):
    """A header field that we need is missing or malformed."""

    def __init__(self, name: str, value: str | None) -> None:
        super().__init__(f"missing {name}" if value is None else f"malformed {name}: {value[:80]!r}")
        self.name = name
        self.value = value


class InvalidSdp(RemoteProtocolError):
    """The session description cannot be read or offers nothing that we speak (answered 488)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status_hint=488)


class InvalidAudio(DialerError, ValueError):
    """The sound file cannot be read, is empty, or is longer than allowed. `code` is stable, for translation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TransportError(DialerError, OSError):
    """A socket of ours failed."""


class DialerClosed(DialerError):
    """The dialer was used after it was closed."""
