"""The demo's base and message."""

import csv
import io

import phonenumbers

from api.sample_base import sample_base, sample_message, sample_numbers


def test_numbers_are_distinct_valid_and_the_same_for_a_seed() -> None:
    numbers = sample_numbers(300, 7)
    assert len(set(numbers)) == 300
    assert numbers == sample_numbers(300, 7)
    assert numbers != sample_numbers(300, 8)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)


def test_the_file_holds_each_number_once_in_the_national_form() -> None:
    rows = list(csv.DictReader(io.StringIO(sample_base(50, 7, with_faults=False).decode()), delimiter=";"))
    read = [
        phonenumbers.format_number(
            phonenumbers.parse(row["phone"], "RU"), phonenumbers.PhoneNumberFormat.E164
        )
        for row in rows
    ]
    assert read == sample_numbers(50, 7)
    assert all(row["name"] and row["city"] and row["source"] for row in rows)


def test_with_faults_rows_follow_that_an_import_refuses() -> None:
    clean = sample_base(50, 7, with_faults=False).decode().splitlines()
    faulty = sample_base(50, 7, with_faults=True).decode().splitlines()
    assert faulty[:51] == clean
    assert len(faulty) - len(clean) == 6
    assert faulty[-1].split(";")[0] == clean[1].split(";")[0], "the last is a duplicate of the first"


def test_the_message_is_six_seconds_of_audible_sound() -> None:
    pcm = sample_message()
    assert len(pcm) == 6 * 8_000 * 2
    samples = memoryview(pcm).cast("h")
    assert 3_000 < max(samples) < 32_000
