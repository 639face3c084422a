"""Real storages on loopback: WsgiDAV for WebDAV, moto for S3. Each can be stopped, and started again at the same place."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # ships no types
from cheroot.wsgi import Server
from moto.server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp  # type: ignore[import-untyped]  # ships no types

from campaigns.recording_storage import CopySettings

USER, PASSWORD = "keeper", "a secret of webdav"
KEY_ID, SECRET = "AKIDEXAMPLE", "a secret of s3"
BUCKET = "calls"


class WebDav:
    """A WebDAV server over a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # a port of our own choice: only such a one can be bound again while old connections linger
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
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


@contextlib.contextmanager
def s3() -> Iterator[CopySettings]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        endpoint = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        )
        client.create_bucket(Bucket=BUCKET)
        yield CopySettings(
            scheme="s3",
            options={
                "bucket": BUCKET,
                "region": "us-east-1",
                "endpoint": endpoint,
                "access_key_id": KEY_ID,
                "secret_access_key": SECRET,
                "root": "/kept",
            },
        )
    finally:
        server.stop()
