"""
The file of an import on its way in: kept on disk, so that its encoding is judged by all of its bytes before a row is read.

UTF-8 is believed when every byte agrees. Otherwise cp1251, which gives some letter for almost any byte, is believed only when
what comes out looks like words: a wrong guess would fill a base with names that nobody can read.
"""

import codecs
import re
from collections.abc import AsyncIterator
from typing import IO, Final

import msgspec

from campaigns.errors import ImportRefused

HEAD_BYTES: Final = 65_536
ENCODINGS: Final = ("utf-8", "cp1251", "koi8-r", "cp866", "utf-16", "cp1252")
"""What a file may be said to be; found out by ourselves are UTF-8, cp1251, and UTF-16 with a byte order mark."""
DELIMITERS: Final = (";", ",", "\t", "|")
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SPREADSHEET_MARKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""xlsx and ods are zip files; xls is an OLE file."""
MAX_NUL_SHARE: Final = 0.05
UNDEFINED_IN_CP1251: Final = b"\x98"
MIN_NATURAL_SHARE: Final = 0.8
NOT_ASCII: Final = re.compile(rb"[\x80-\xff]")
FOREIGN_WORD: Final = re.compile(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*")
NATURAL_WORD: Final = re.compile(r"[!-~А-яЁёІіЇїЄєҐґЎў«»„“”‘’–—…№§°•·\xa0]+")
UNNATURAL_PAIR: Final = re.compile(
    r"[а-яёіїєґў][А-ЯЁІЇЄҐЎ]|[A-Za-z][А-яЁёІіЇїЄєҐґЎў]|[А-яЁёІіЇїЄєҐґЎў][A-Za-z]"
)
"""Small before capital, or two alphabets in one word: so look KOI8-R, mistaken UTF-8 and Western letters read as cp1251."""


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to read the file, where it shall not be found out; None = find out."""

    encoding: str | None = None
    """One of `ENCODINGS`."""
    delimiter: str | None = None
    """One of `DELIMITERS`."""
    number_column: str | None = None
    """Its name in the header, in any case; or `column_3` in a file without a header."""
    max_file_bytes: int = 2**31

    def __post_init__(self) -> None:
        if self.encoding is not None and self.encoding.lower() not in ENCODINGS:
            raise ImportRefused(
                "encoding_not_supported", encoding=self.encoding[:40], supported=list(ENCODINGS)
            )
        if self.delimiter is not None and self.delimiter not in DELIMITERS:
            raise ImportRefused("delimiter_not_supported", delimiter=self.delimiter[:10])


async def receive_file(chunks: AsyncIterator[bytes], file: IO[bytes], options: ImportOptions) -> str:
    """
    Write the chunks to `file` and return the name of a Python codec that reads them.

    Raises:
        ImportRefused: empty_file, file_too_large (max_bytes), spreadsheet_not_csv, not_text, encoding_unknown (line).
    """
    detector = EncodingDetector()
    async for chunk in chunks:
        file.write(chunk)
        detector.feed(chunk)
        if detector.size_bytes > options.max_file_bytes:
            raise ImportRefused("file_too_large", max_bytes=options.max_file_bytes)
    file.seek(0)
    return detector.encoding(options.encoding)


class EncodingDetector:
    """Looks at every byte once, in order."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._head = b""
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._is_utf8 = True
        self._lines = 1
        """The line that the last byte fed belongs to; stays at the first line that is not UTF-8."""
        self._sample = b""
        """What begins at the first byte that is not ASCII: also what still was UTF-8 must look like cp1251 to be it."""
        self._is_blank = True
        self._has_undefined = False

    def feed(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._is_blank = self._is_blank and not chunk.lstrip(codecs.BOM_UTF8 + b" \t\r\n\x00")
        self._has_undefined = self._has_undefined or UNDEFINED_IN_CP1251 in chunk
        if self._sample:
            self._sample += chunk[: HEAD_BYTES - len(self._sample)]
        elif (foreign := NOT_ASCII.search(chunk)) is not None:
            self._sample = chunk[foreign.start() : foreign.start() + HEAD_BYTES]
        if self._is_utf8:
            self._try_utf8(chunk, final=False)

    def _try_utf8(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._utf8.decode(chunk, final)
            self._lines += chunk.count(b"\n")
        except UnicodeDecodeError as error:
            self._is_utf8 = False
            # error.object is the chunk with what was left over of the one before
            self._lines += error.object.count(b"\n", 0, error.start)

    def encoding(self, wanted: str | None) -> str:
        """Return the codec for what was fed; `wanted` overrides the guess, not the check that it is text at all."""
        head = self._head
        if self._is_blank:
            raise ImportRefused("empty_file")
        if head.startswith(SPREADSHEET_MARKS):
            raise ImportRefused("spreadsheet_not_csv")
        if self._is_utf8:
            self._try_utf8(b"", final=True)
        if wanted is not None:
            return "utf-8-sig" if wanted.lower() == "utf-8" else wanted.lower()
        if head.startswith(UTF16_MARKS):
            return "utf-16"
        if head.count(0) > MAX_NUL_SHARE * len(head):
            raise ImportRefused("not_text")
        if self._is_utf8:
            return "utf-8-sig"
        if self._has_undefined or not looks_like_cp1251(self._sample):
            raise ImportRefused("encoding_unknown", line=self._lines)
        return "cp1251"


def looks_like_cp1251(sample: bytes) -> bool:
    words: list[str] = FOREIGN_WORD.findall(sample.decode("cp1251", "replace"))
    natural = sum(1 for word in words if NATURAL_WORD.fullmatch(word) and UNNATURAL_PAIR.search(word) is None)
    return bool(words) and natural >= MIN_NATURAL_SHARE * len(words)
