"""What the API process is told; the environment is read here and nowhere else."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from api.mail import MailServer, is_address, read_mail_server
from campaigns.errors import InvalidSettings, Problem
from campaigns.recording_settings import RecordingSettings, load_recording_settings
from campaigns.recording_storage import CopySettings, read_copy_settings

DEFAULT_PORT: Final = 8000


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one API process."""

    database_url: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    base_url: str = f"http://127.0.0.1:{DEFAULT_PORT}"
    """What a browser calls us by; cookies are Secure when it is https."""
    session_hours: float = 12.0
    """Life of a browser session: one working day."""
    live_interval_seconds: float = 0.25
    """At least this between two snapshots of one campaign: 4 Hz, faster than which nobody reads."""
    live_refresh_seconds: float = 1.0
    """At most this between two snapshots of a running campaign, should a notification get lost."""
    heartbeat_seconds: float = 5.0
    """Between two heartbeats of a live stream."""
    max_body_bytes: int = 1_000_000
    """JSON bodies; files have their own limits."""
    max_prompt_bytes: int = 50_000_000
    """An uploaded sound file: an hour of 8 kHz 16-bit mono."""

    mail_server: MailServer | None = None
    """Where reports and alerts are handed in; None = none is sent by mail."""
    allows_private_webhooks: bool = False
    """Whether a webhook may lead into our own network, and by plain http: for receivers that stand beside us."""
    delivery_interval_seconds: float = 5.0
    """Between two looks at what reports and alerts are to be sent."""
    recordings: RecordingSettings | None = None
    """Where recordings lie, and their keys; None = this process has none."""
    copies: CopySettings | None = None
    """The user's own storage; None = nothing is copied."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "ApiSettings":
        """
        Read DATABASE_URL, OBZVON_HOST, OBZVON_PORT, OBZVON_BASE_URL, OBZVON_SMTP_URL, OBZVON_MAIL_FROM,
        OBZVON_PRIVATE_WEBHOOKS, and what `campaigns.recording_settings` and `campaigns.recording_storage` read.

        Raises:
            InvalidSettings: naming every variable that is wrong or missing.
        """
        problems = []
        database_url = environ.get("DATABASE_URL", "")
        if not database_url:
            problems.append(Problem("DATABASE_URL", "missing"))
        port_text = environ.get("OBZVON_PORT", str(DEFAULT_PORT))
        port = int(port_text) if port_text.isdigit() else 0
        if not 1 <= port <= 65_535:
            problems.append(Problem("OBZVON_PORT", "not_a_port", {"value": port_text}))
        host = environ.get("OBZVON_HOST", "127.0.0.1")
        base_url = environ.get("OBZVON_BASE_URL", f"http://{host}:{port}").rstrip("/")
        if urlsplit(base_url).scheme not in {"http", "https"}:
            problems.append(Problem("OBZVON_BASE_URL", "not_a_url", {"value": base_url}))
        smtp_url, sender = environ.get("OBZVON_SMTP_URL", ""), environ.get("OBZVON_MAIL_FROM", "")
        mail_server = read_mail_server(smtp_url, sender) if smtp_url else None
        if smtp_url and mail_server is None:
            problems.append(Problem("OBZVON_SMTP_URL", "not_a_mail_server"))  # the value may hold a password
        if smtp_url and not is_address(sender):
            problems.append(Problem("OBZVON_MAIL_FROM", "not_a_mail_address", {"value": sender[:60]}))
        recordings = None
        try:
            recordings = load_recording_settings(environ)
        except InvalidSettings as error:
            problems += error.problems
        copies = read_copy_settings(environ, problems)
        if problems:
            raise InvalidSettings(*problems)
        return cls(
            database_url=database_url,
            host=host,
            port=port,
            base_url=base_url,
            mail_server=mail_server,
            allows_private_webhooks=environ.get("OBZVON_PRIVATE_WEBHOOKS", "") == "1",
            recordings=recordings,
            copies=copies,
        )

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")
