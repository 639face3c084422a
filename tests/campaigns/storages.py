"""Real storages on loopback: WsgiDAV for WebDAV, moto for S3. Each can be stopped, and started again at the same place."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import boto3  # type: ignore[import-untyped]  # ships no types
from cheroot.wsgi import Server
from moto.server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp  # type: ignore[import-untyped]  # ships no types

from campaigns.recording_storage import CopySettings

USER, PASSWORD = "keeper", "a secret of webdav"
KEY_ID, SECRET = "AKIDEXAMPLE", "a secret of s3"
BUCKET = "calls"


class Storage(Protocol):
    """What can be stopped, and started again."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def settings(self) -> CopySettings: ...


def free_port() -> int:
    """Return a port of our own choice: only such a one can be bound again while old connections linger."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WebDav:
    """A WebDAV server over a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._server: Server | None = None

    def start(self) -> None:
        if self._server is not None:
            return
        app = WsgiDAVApp(
            {
                "provider_mapping": {"/": str(self.folder)},
                "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
                "http_authenticator": {
                    "accept_basic": True,
                    "accept_digest": False,
                    "default_to_digest": False,
                },
                "verbose": 0,
                "logging": {"enable": False},
            }
        )
        self._server = Server(("127.0.0.1", self.port), app, numthreads=2)
        self._server.prepare()
        threading.Thread(target=self._server.serve, name="webdav", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def settings(self, password: str = PASSWORD, *, expires: bool = False) -> CopySettings:
        options = {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "username": USER,
            "password": password,
            "root": "/calls",
        }
        return CopySettings(scheme="webdav", options=options, expires=expires)


@contextlib.contextmanager
def webdav(folder: Path) -> Iterator[WebDav]:
    server = WebDav(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class S3:
    """An S3-compatible server with one bucket; its objects are this process's and outlive a stop."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: ThreadedMotoServer | None = None

    def start(self) -> None:
        if self._server is not None:
            return
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        ).create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def settings(self) -> CopySettings:
        return CopySettings(
            scheme="s3",
            options={
                "bucket": BUCKET,
                "region": "us-east-1",
                "endpoint": f"http://127.0.0.1:{self.port}",
                "access_key_id": KEY_ID,
                "secret_access_key": SECRET,
                "root": "/kept",
            },
        )


@contextlib.contextmanager
def s3() -> Iterator[CopySettings]:
    server = S3()
    server.start()
    try:
        yield server.settings()
    finally:
        server.stop()
