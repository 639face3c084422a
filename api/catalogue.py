"""
The one place where codes become sentences: gettext files under `api/texts/LANG/AREA.po`, read by Babel (docs/adr/0007).

A key is the msgid (`problems.not_found.title`), the msgstr is the sentence with `{name}` placeholders. An entry with a
msgid_plural is chosen by the parameter `count`.
"""

import functools
import gettext
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

Language = Literal["en", "ru"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT_LANGUAGE: Final[Language] = "en"
TEXTS_DIRECTORY: Final = Path(__file__).parent / "texts"

Forms = tuple[str, ...]
"""One sentence, or one per plural form of the language."""


class Catalogue(msgspec.Struct, frozen=True):
    """All sentences of all languages."""

    forms: Mapping[Language, Mapping[str, Forms]]
    plural_rules: Mapping[Language, Callable[[int], int]]
    """A count to the index of the form."""

    @classmethod
    @functools.cache
    def load(cls, directory: Path = TEXTS_DIRECTORY) -> "Catalogue":
        """Read every file once per process. Raises `ValueError` when a key stands in two files of a language."""
        forms: dict[Language, dict[str, Forms]] = {}
        plural_rules: dict[Language, Callable[[int], int]] = {}
        for language in LANGUAGES:
            sentences: dict[str, Forms] = {}
            for path in sorted((directory / language).glob("*.po")):
                for key, entry in entries_of(read_file(path, language)):
                    if key in sentences:
                        raise ValueError(f"{path.name}: {key} stands twice")
                    sentences[key] = entry
            forms[language] = sentences
            plural_rules[language] = gettext.c2py(Catalog(locale=language).plural_expr)
        return cls(forms, plural_rules)

    def has(self, key: str) -> bool:
        return key in self.forms[DEFAULT_LANGUAGE]

    def text(self, key: str, language: Language, /, **params: object) -> str:
        """
        Return the sentence, its placeholders filled.

        An unknown key comes back as it is: a code that has no sentence yet must not turn a clear answer into a crash.
        Lists are joined by commas.
        """
        forms = self.forms[language].get(key) or self.forms[DEFAULT_LANGUAGE].get(key)
        if forms is None:
            return key
        chosen = forms[0]
        if len(forms) > 1:
            chosen = forms[self.plural_rules[language](int(str(params["count"])))]
        return chosen.format_map(
            {
                name: ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
                for name, value in params.items()
            }
        )


def text(key: str, language: str = DEFAULT_LANGUAGE, /, **params: object) -> str:
    """Return a sentence of the shipped catalogue; any language that it has not got falls to English."""
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    return Catalogue.load().text(key, known, **params)


def choose_language(accept_language: str | None) -> Language:
    """Return the best language of an Accept-Language header (RFC 9110 §12.5.4)."""
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for item in (accept_language or "").split(","):
        tag, _, parameters = item.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        _, _, quality_text = parameters.partition("q=")
        try:
            quality = float(quality_text) if quality_text else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and quality > best_quality:
            best, best_quality = language, quality
    return best


def language_of_environment(environ: Mapping[str, str]) -> Language:
    """Return the language of a terminal: OBZVON_LANG (`obzvon --lang`), then by POSIX: LC_ALL, LC_MESSAGES, LANG."""
    names = ("OBZVON_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((value for name in names if (value := environ.get(name))), "")
    return "ru" if locale.lower().startswith("ru") else DEFAULT_LANGUAGE


def read_file(path: Path, language: Language) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def entries_of(catalog: Catalog) -> Iterator[tuple[str, Forms]]:
    for message in catalog:
        if not message.id:
            continue  # the header
        key = message.id if isinstance(message.id, str) else message.id[0]
        sentences = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        yield key, sentences
