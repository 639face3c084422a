"""Both languages say the same things; nothing is compiled, so the files themselves are what is tested."""

import re
from pathlib import Path
from string import Formatter

import pytest

from api.catalogue import LANGUAGES, Catalogue, choose_language, language_of_environment, text

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue.load()
KEY_IN_CODE = re.compile(r'(?<![\w.])text\(\s*"([a-z0-9_.]+)"')


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert set(CATALOGUE.forms["en"]) == set(CATALOGUE.forms["ru"])
    assert len(CATALOGUE.forms["en"]) > 50


@pytest.mark.parametrize("key", sorted(CATALOGUE.forms["en"]))
def test_both_languages_fill_the_same_placeholders(key: str) -> None:
    seen = {
        frozenset(placeholders(form)) for language in LANGUAGES for form in CATALOGUE.forms[language][key]
    }
    assert len(seen) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_and_every_plural_form_is_there(language: str) -> None:
    wanted = {"en": {1, 2}, "ru": {1, 3}}[language]
    for key, forms in CATALOGUE.forms[language].items():  # type: ignore[index]  # pytest widens the literal
        assert all(forms), key
        assert len(forms) in wanted, key


def test_every_key_that_code_names_has_a_sentence() -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {key}"
        for path in (ROOT / "api").rglob("*.py")
        for key in KEY_IN_CODE.findall(path.read_text(encoding="utf-8"))
        if not CATALOGUE.has(key)
    }
    assert missing == set()


def test_placeholders_are_filled_and_lists_joined() -> None:
    assert text("problems.scope_missing.detail", "en", scope="admin") == "The scope admin is needed."
    assert text("problems.media_type_unsupported.detail", "en", accepted=["a/b", "c/d"]).endswith("a/b, c/d.")


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "Найдена 1 ошибка."),
        (3, "Найдено 3 ошибки."),
        (11, "Найдено 11 ошибок."),
        (21, "Найдена 21 ошибка."),
    ],
)
def test_russian_counts_three_ways(count: int, sentence: str) -> None:
    assert text("problems.request_invalid.detail", "ru", count=count) == sentence


def test_a_key_without_a_sentence_comes_back_as_it_is() -> None:
    assert text("problems.nobody_wrote_this.title", "ru") == "problems.nobody_wrote_this.title"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-GB;q=0.3, ru;q=0.7", "ru"),
        ("de-DE,de", "en"),
        ("ru;q=oops", "en"),
        ("ru;q=0, en;q=0", "en"),
    ],
)
def test_the_best_language_of_the_header_is_chosen(header: str | None, language: str) -> None:
    assert choose_language(header) == language


def test_the_terminal_speaks_the_language_of_its_locale() -> None:
    assert language_of_environment({"LANG": "ru_RU.UTF-8"}) == "ru"
    assert language_of_environment({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}) == "en"
    assert language_of_environment({}) == "en"
