"""The sections of the pages, in the order of the bar on top. A new page of its own adds its line here."""

from typing import Final

import msgspec


class Section(msgspec.Struct, frozen=True):
    """One entry; `key` is what its pages call themselves in `render(section=...)`, and names its text."""

    key: str
    path: str

    @property
    def text_key(self) -> str:
        return f"navigation.{self.key}"


SECTIONS: Final = (
    Section("floor", "/floor"),
    Section("campaigns", "/campaigns"),
    Section("reports", "/reports"),
    Section("recordings", "/recordings"),
    Section("audits", "/audits"),
    Section("trunks", "/trunks"),
    Section("alerts", "/alerts"),
)
