"""
The keys of recordings, as the settings give them: `ID:KEY` entries, by comma or by line, the current one first.

A key's id stands in every file that it seals. So a new key is put in front and seals what comes from now on; the older ones
stay in the list for as long as there are recordings that they open.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final

from dialer.recording.container import KEY_ID_BYTES

KEY_BYTES: Final = 32
_ID: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{KEY_ID_BYTES}}}")


class KeyringInvalid(Exception):
    """The text is no list of keys. `entry` counts from 1; what stands there is never told."""

    def __init__(self, code: str, entry: int) -> None:
        super().__init__(f"{code} in entry {entry}")
        self.code = code
        self.entry = entry


class Keyring:
    """Keys by id; which one is current. Does not show them."""

    def __init__(self, current_id: str, keys: Mapping[str, bytes]) -> None:
        self.current_id = current_id
        self._keys = dict(keys)

    @property
    def current(self) -> bytes:
        return self._keys[self.current_id]

    @property
    def key_ids(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def get(self, key_id: str) -> bytes | None:
        return self._keys.get(key_id)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"


def parse_keyring(text: str) -> Keyring:
    """
    Read `ID:BASE64_OF_32_BYTES` entries; lines that begin with # are remarks.

    Raises:
        KeyringInvalid: `no_keys`, `not_an_entry`, `not_a_key_id`, `not_a_key`, `same_id_twice`.
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
    if not entries:
        raise KeyringInvalid("no_keys", 1)
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(entries, start=1):
        key_id, colon, encoded = entry.partition(":")
        if not colon:
            raise KeyringInvalid("not_an_entry", number)
        if not _ID.fullmatch(key_id):
            raise KeyringInvalid("not_a_key_id", number)
        if key_id in keys:
            raise KeyringInvalid("same_id_twice", number)
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise KeyringInvalid("not_a_key", number)
        keys[key_id] = key
    return Keyring(next(iter(keys)), keys)


def new_entry(key_id: str, rng: Callable[[int], bytes]) -> str:
    """Make a key and write it as an entry."""
    return f"{key_id}:{base64.b64encode(rng(KEY_BYTES)).decode()}"
