"""What a TLS connection to a trunk checks and shows (RFC 3261 §26.3.1, RFC 5922 §7)."""

import ssl
from functools import lru_cache

from dialer.errors import ConfigError
from dialer.transport_config import TlsConfig, TlsListener


@lru_cache(maxsize=64)
def client_context(tls: TlsConfig) -> ssl.SSLContext:
    """
    Build the context of a trunk; reads files, so not for the loop's thread.

    Raises:
        ConfigError: naming the file that cannot be used, and why.
    """
    context = _with_authorities(tls.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.insecure_accepts_any_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate_file is not None:
        _show(context, tls.certificate_file, tls.key_file)
    return context


def server_context(listener: TlsListener) -> ssl.SSLContext:
    """
    Build the context of our listener; reads files.

    Raises:
        ConfigError: naming the file that cannot be used, and why.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if listener.ca_file is not None:
        try:
            context.load_verify_locations(listener.ca_file)
        except (OSError, ValueError) as error:
            raise ConfigError(f"tls authorities {listener.ca_file} cannot be used: {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    _show(context, listener.certificate_file, listener.key_file)
    return context


def _show(context: ssl.SSLContext, certificate_file: str, key_file: str | None) -> None:
    try:
        context.load_cert_chain(certificate_file, key_file, password=_no_password)
    except (OSError, ValueError) as error:
        files = " and ".join(filter(None, (certificate_file, key_file)))
        raise ConfigError(f"tls certificate and key cannot be used from {files}: {error}") from error


def _with_authorities(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"tls.ca_file {ca_file} cannot be used: {error}") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted, and nobody is here to type its password")
