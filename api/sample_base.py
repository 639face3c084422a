"""The sample base and message of the demo: fictitious people behind numbers that only the simulated carrier knows."""

import csv
import io
import random
from typing import Final

import numpy as np

MESSAGE_SECONDS: Final = 6.0
"""Longer than any simulated callee waits before it hangs up or presses a key (dialer/testing/population.py)."""
SAMPLE_RATE_HZ: Final = 8_000

_FIRST_NAMES: Final = (
    "Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Инна", "Кирилл", "Лидия", "Матвей", "Нина",
    "Олег", "Полина", "Роман", "София", "Тимур", "Ульяна", "Фёдор",
)  # fmt: skip
_CITIES: Final = ("Москва", "Казань", "Самара", "Тула", "Пермь", "Омск", "Томск", "Уфа")
_SOURCES: Final = (
    ("yandex", "зимние шины", "купить шины"),
    ("yandex", "зимние шины", "шиномонтаж рядом"),
    ("yandex", "сезонное хранение", "хранение шин"),
    ("vk", "скидка клубу", ""),
    ("exhibition", "", ""),
    ("partner", "", ""),
)
"""Where a contact came from: source, ad, keyword; not every source has the other two."""
_BAD_NUMBERS: Final = ("", "12345", "позвонить позже", "+7 900 00", "8 (900) abc-de-fg")
_NOTES: Final = ((523.25, 659.25), (587.33, 739.99), (659.25, 783.99), (783.99, 987.77))


def sample_numbers(count: int, seed: int) -> list[str]:
    """Give distinct mobile numbers in E.164; the same for the same seed."""
    rng = random.Random(f"{seed}:base")
    return [f"+7900{subscriber:07}" for subscriber in rng.sample(range(1_000_000, 10_000_000), count)]


def sample_base(count: int, seed: int, *, with_faults: bool) -> bytes:
    """
    Write a base as a person's spreadsheet would: semicolons, a header, numbers in the national form.

    With faults, a few rows follow that the import has to refuse: no number, letters, too short, a duplicate.
    """
    rng = random.Random(f"{seed}:people")
    numbers = [_written(number) for number in sample_numbers(count, seed)]
    if with_faults:
        numbers += [*_BAD_NUMBERS, numbers[0]]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(["phone", "name", "city", "source", "ad", "keyword"])
    for number in numbers:
        writer.writerow([number, rng.choice(_FIRST_NAMES), rng.choice(_CITIES), *rng.choice(_SOURCES)])
    return text.getvalue().encode()


def sample_message() -> bytes:
    """Make the message: chimes as 16-bit mono samples at 8 kHz."""
    note_seconds = MESSAGE_SECONDS / (2 * len(_NOTES))
    time = np.arange(round(note_seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    fading = np.exp(-3.0 * time / note_seconds)
    chimes = [
        fading * sum(np.sin(2 * np.pi * frequency * time) for frequency in chord)
        for chord in (*_NOTES, *reversed(_NOTES))
    ]
    return (np.concatenate(chimes) * 6_000).astype("<i2").tobytes()


def _written(number: str) -> str:
    """Write `+7XXXYYYYYYY` as `8 (XXX) YYY-YY-YY`."""
    return f"8 ({number[2:5]}) {number[5:8]}-{number[8:10]}-{number[10:]}"
