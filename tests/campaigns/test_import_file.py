import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ImportRefused
from campaigns.import_file import EncodingDetector, ImportOptions

RUSSIAN = "телефон;имя\n79000000001;Алёна Щукина, «Ромашка» № 5 – ОАО\n"


def detect(data: bytes, wanted: str | None = None, size: int = 1) -> str:
    detector = EncodingDetector()
    for start in range(0, len(data), size):
        detector.feed(data[start : start + size])
    return detector.encoding(wanted)


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("cp1251", "cp1251"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_russian_text_is_recognised_however_it_is_torn_apart(encoding: str, codec: str, size: int) -> None:
    assert detect(RUSSIAN.encode(encoding), size=size) == codec


@pytest.mark.parametrize("encoding", ["koi8-r", "cp866"])
def test_other_russian_encodings_are_not_mistaken_for_cp1251(encoding: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        detect(RUSSIAN.encode(encoding, "replace"))
    assert (refused.value.code, refused.value.params) == ("encoding_unknown", {"line": 1})


def test_a_character_cut_off_at_the_end_of_the_file_is_not_utf8() -> None:
    with pytest.raises(ImportRefused) as refused:
        detect(("phone;name\n" + "79000000001;Ёж\n" * 3).encode()[:-2])
    assert (refused.value.code, refused.value.params) == ("encoding_unknown", {"line": 4})


def test_text_late_in_a_big_file_still_decides() -> None:
    data = b"phone;name\n" + b"79000000001;Ann\n" * 10_000 + "79000000001;Анна\n".encode("cp1251")
    assert detect(data, size=4096) == "cp1251"


def test_what_the_sender_says_overrides_the_guess_but_not_that_it_is_text() -> None:
    assert detect(RUSSIAN.encode("cp866", "replace"), "CP866") == "cp866"
    with pytest.raises(ImportRefused, match="empty_file"):
        detect(codecs.BOM_UTF8, "utf-8")
    with pytest.raises(ImportRefused, match="spreadsheet_not_csv"):
        detect(b"PK\x03\x04" + bytes(50), "utf-8")


@given(st.binary())
def test_any_bytes_have_an_encoding_or_a_code(data: bytes) -> None:
    codec = codec_or_code(data)
    if codec in {"utf-8-sig", "cp1251"}:
        data.decode(codec)
    else:  # of UTF-16 only the mark is looked at; its characters are checked when rows are read
        assert codec in {"utf-16", "empty_file", "not_text", "spreadsheet_not_csv", "encoding_unknown"}


def codec_or_code(data: bytes) -> str:
    try:
        return detect(data, size=5)
    except ImportRefused as refused:
        return refused.code


def test_an_option_that_cannot_be_is_refused() -> None:
    with pytest.raises(ImportRefused, match="encoding_not_supported"):
        ImportOptions(encoding="ebcdic")
    with pytest.raises(ImportRefused, match="delimiter_not_supported"):
        ImportOptions(delimiter="::")
