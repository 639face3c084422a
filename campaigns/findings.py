"""What an examination of an installation finds: codes and facts; the sentences and remedies are `api`'s."""

from typing import Final, Literal

import msgspec

Level = Literal["ok", "note", "problem"]
Area = Literal["settings", "database", "clock", "trunk", "ports", "disk", "recordings"]
FactValue = str | int | float | list[str]

LEVELS: Final[dict[str, tuple[Area, Level]]] = {
    "setting_wrong": ("settings", "problem"),
    "database_not_made": ("database", "note"),
    "database_not_startable": ("database", "problem"),
    "database_unreachable": ("database", "problem"),
    "database_refuses": ("database", "problem"),
    "database_missing": ("database", "problem"),
    "database_answers": ("database", "ok"),
    "database_too_old": ("database", "problem"),
    "database_minor_old": ("database", "note"),
    "schema_missing": ("database", "problem"),
    "schema_behind": ("database", "problem"),
    "schema_ahead": ("database", "problem"),
    "schema_right": ("database", "ok"),
    "clock_differs": ("clock", "problem"),
    "clock_right": ("clock", "ok"),
    "no_trunks": ("trunk", "note"),
    "trunk_unknown_host": ("trunk", "problem"),
    "trunk_dns_silent": ("trunk", "problem"),
    "trunk_service_refused": ("trunk", "problem"),
    "trunk_other_ip_family": ("trunk", "problem"),
    "trunk_srv_host_unknown": ("trunk", "note"),
    "trunk_beyond_loopback": ("trunk", "problem"),
    "trunk_unreachable": ("trunk", "problem"),
    "trunk_silent": ("trunk", "problem"),
    "trunk_connect_timed_out": ("trunk", "problem"),
    "trunk_connection_lost": ("trunk", "problem"),
    "trunk_not_tls": ("trunk", "problem"),
    "trunk_tls_failed": ("trunk", "problem"),
    "trunk_tls_files_unusable": ("trunk", "problem"),
    "trunk_certificate_expired": ("trunk", "problem"),
    "trunk_certificate_not_yet_valid": ("trunk", "problem"),
    "trunk_certificate_for_another_name": ("trunk", "problem"),
    "trunk_certificate_of_unknown_authority": ("trunk", "problem"),
    "trunk_certificate_unusable": ("trunk", "problem"),
    "trunk_our_certificate_wanted": ("trunk", "problem"),
    "trunk_certificate_unchecked": ("trunk", "note"),
    "trunk_password_missing": ("trunk", "problem"),
    "trunk_password_wrong": ("trunk", "problem"),
    "trunk_challenge_unknown": ("trunk", "problem"),
    "trunk_forbids": ("trunk", "problem"),
    "trunk_unavailable": ("trunk", "problem"),
    "trunk_codec_mismatch": ("trunk", "problem"),
    "trunk_codec_unknown": ("trunk", "note"),
    "trunk_password_not_asked": ("trunk", "note"),
    "trunk_answers": ("trunk", "ok"),
    "trunk_registered": ("trunk", "ok"),
    "trunk_registration_unknown": ("trunk", "note"),
    "trunk_not_registered": ("trunk", "problem"),
    "trunk_left_alone": ("trunk", "problem"),
    "campaign_single_trunk": ("trunk", "note"),
    "sip_address_unusable": ("ports", "problem"),
    "sip_port_taken": ("ports", "problem"),
    "sip_port_ours": ("ports", "note"),
    "sip_port_free": ("ports", "ok"),
    "sip_tls_unusable": ("ports", "problem"),
    "sip_tls_expired": ("ports", "problem"),
    "sip_tls_expires": ("ports", "note"),
    "sip_tls_good": ("ports", "ok"),
    "rtp_ports_taken": ("ports", "problem"),
    "rtp_ports_free": ("ports", "ok"),
    "disk_full": ("disk", "problem"),
    "disk_unwritable": ("disk", "problem"),
    "disk_roomy": ("disk", "ok"),
    "recording_key_missing": ("recordings", "problem"),
    "recording_key_lost": ("recordings", "problem"),
    "recording_key_open": ("recordings", "problem"),
    "recording_key_there": ("recordings", "ok"),
    "recordings_damaged": ("recordings", "note"),
    "recordings_unwritable": ("recordings", "problem"),
    "recordings_full": ("recordings", "problem"),
    "recordings_roomy": ("recordings", "ok"),
    "copy_unwritable": ("recordings", "problem"),
    "copy_writable": ("recordings", "ok"),
}
"""Every code: what it is about, and how bad it is. A note is worth reading and changes nothing."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    code: str
    facts: dict[str, FactValue]

    @property
    def area(self) -> Area:
        return LEVELS[self.code][0]

    @property
    def level(self) -> Level:
        return LEVELS[self.code][1]


def found(code: str, **facts: FactValue) -> Finding:
    assert code in LEVELS, code
    return Finding(code, facts)
