"""Places, hears and ends SIP calls. Knows nothing of campaigns, SQL or HTTP. This is the complete public list."""

from dialer.config import (
    CallRequest,
    DialerConfig,
    Limits,
    NetworkFaults,
    Secret,
    TimerConfig,
    TrunkConfig,
)
from dialer.engine import Call, Dialer
from dialer.errors import (
    ConfigError,
    DialerClosed,
    DialerError,
    InvalidAudio,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallId,
    CallProceeding,
    CallRinging,
    CallTimings,
    DtmfReceived,
    MediaChanged,
    MediaQuality,
    NegotiatedMedia,
    PlaybackFinished,
)
from dialer.media.prompt import Prompt, read_audio
from dialer.outcome import Outcome
from dialer.port import Engine, PlacedCall
from dialer.pyvoip_engine import PyvoipEngine
from dialer.transport_config import KeepAlive, StreamLimits, TlsConfig, Transport
from dialer.trunk_dialer import TrunkDialer

__all__ = [
    "Call",
    "CallAnswered",
    "CallEnded",
    "CallEvent",
    "CallId",
    "CallProceeding",
    "CallRequest",
    "CallRinging",
    "CallTimings",
    "ConfigError",
    "Dialer",
    "DialerClosed",
    "DialerConfig",
    "DialerError",
    "DtmfReceived",
    "Engine",
    "InvalidAudio",
    "KeepAlive",
    "Limits",
    "LocalProtocolError",
    "MediaChanged",
    "MediaQuality",
    "NegotiatedMedia",
    "NetworkFaults",
    "Outcome",
    "PlacedCall",
    "PlaybackFinished",
    "Prompt",
    "PyvoipEngine",
    "RemoteProtocolError",
    "Secret",
    "StreamLimits",
    "TimerConfig",
    "TlsConfig",
    "Transport",
    "TransportError",
    "TrunkConfig",
    "TrunkDialer",
    "read_audio",
]
