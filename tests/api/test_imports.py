"""Files of contacts over HTTP: raw and as forms, good and bad, and what comes back of every row."""

import pytest

from api.upload import clean_name
from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of

CSV = {"Content-Type": "text/csv"}
BASE = "телефон;имя\n8 916 123-45-67;Анна\nпозвоните мне;Борис\n+79161234567;Анна снова\n;Никто\n".encode()


async def test_a_base_is_imported_and_every_refused_row_comes_back(client: Client, campaign_id: int) -> None:
    response = await client.post(
        f"/v1/campaigns/{campaign_id}/contacts?file_name=base.csv",
        content=BASE,
        headers={**CSV, "Accept-Language": "ru"},
    )
    assert response.status_code == 201
    report = response.json()
    assert (report["rows_total"], report["rows_accepted"], report["rows_rejected"]) == (4, 1, 3)
    assert (report["file_name"], report["delimiter"], report["number_column"]) == ("base.csv", ";", "телефон")
    assert [(row["line"], row["value"], row["code"], row["detail"]) for row in report["rejected"]] == [
        (3, "позвоните мне", "number_not_digits", "Это не номер телефона."),
        (4, "+79161234567", "duplicate_in_file", "Номер уже есть в этом файле."),
        (5, "", "number_missing", "В строке нет номера."),
    ]


async def test_a_form_imports_what_a_raw_body_does(client: Client, campaign_id: int) -> None:
    response = await client.post(
        f"/v1/campaigns/{campaign_id}/contacts",
        files={
            "note": (None, "hello"),
            "file": ("C:\\bases\\base.csv", BASE.decode().encode("cp1251"), "text/csv"),
        },
    )
    report = response.json()
    assert (response.status_code, report["rows_accepted"], report["file_name"]) == (201, 1, "base.csv")
    assert report["encoding"] == "cp1251"


async def test_the_reader_of_a_file_may_be_told_what_it_is(client: Client, campaign_id: int) -> None:
    response = await client.post(
        f"/v1/campaigns/{campaign_id}/contacts?number_column=b&delimiter=|&encoding=utf-8",
        content=b"a|b\n+79161234567|+79161234568\n",
        headers=CSV,
    )
    assert (response.json()["number_column"], response.json()["rows_accepted"]) == ("b", 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"phone\n\x98\xff\xfe\xfa\n", "encoding_unknown"),
        (b"PK\x03\x04 a workbook", "spreadsheet_not_csv"),
        (b"name,city\nAnna,Omsk\n", "no_number_column"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_file_that_is_no_base_is_refused_in_a_sentence(
    client: Client, campaign_id: int, content: bytes, code: str, language: str
) -> None:
    response = await client.post(
        f"/v1/campaigns/{campaign_id}/contacts", content=content, headers={**CSV, "Accept-Language": language}
    )
    assert (response.status_code, code_of(response)) == (422, code)
    is_russian = any("а" <= letter <= "я" for letter in response.json()["title"])
    assert is_russian == (language == "ru")


async def test_a_file_of_only_duplicates_is_imported_as_nothing(client: Client, campaign_id: int) -> None:
    path = f"/v1/campaigns/{campaign_id}/contacts"
    content = b"phone\n+79161234567\n+79161234568\n"
    assert (await client.post(path, content=content, headers=CSV)).json()["rows_accepted"] == 2
    report = (await client.post(path, content=content, headers=CSV)).json()
    assert (report["rows_accepted"], report["rejected_counts"]) == (0, {"duplicate_in_base": 2})


async def test_rejections_are_paged_and_masked_without_the_right_to_see_numbers(
    client: Client, anonymous: Client, make_key: MakeKey, campaign_id: int
) -> None:
    content = b"phone\n" + b"+79161234567\n" * 4
    report = (await client.post(f"/v1/campaigns/{campaign_id}/contacts", content=content, headers=CSV)).json()
    path = f"/v1/campaigns/{campaign_id}/imports/{report['import_id']}/rejections"

    page = (await client.get(f"{path}?limit=2")).json()
    assert ([row["line"] for row in page["items"]], page["next_after_line"]) == ([3, 4], 4)
    page = (await client.get(f"{path}?limit=2&after_line=4")).json()
    assert ([row["line"] for row in page["items"]], page["next_after_line"]) == ([5], None)
    assert page["items"][0]["value"] == "+79161234567"

    blind = await make_key("campaigns:read")
    masked = (await anonymous.get(path, headers=blind)).json()
    assert {row["value"] for row in masked["items"]} == {"+79161…567"}

    listed = (await client.get(f"/v1/campaigns/{campaign_id}/imports")).json()
    assert [item["import_id"] for item in listed["items"]] == [report["import_id"]]
    response = await client.get(f"/v1/campaigns/{campaign_id}/imports/4242/rejections")
    assert (response.status_code, code_of(response)) == (404, "import_not_found")


@pytest.mark.parametrize(
    ("headers", "content", "status", "code"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415, "media_type_unsupported"),
        ({"Content-Type": "multipart/form-data"}, b"", 415, "media_type_unsupported"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nbroken", 400, "form_broken"),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nhi\r\n--x--\r\n',
            422,
            "upload_file_missing",
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="b.csv"\r\n\r\nphone\n+79161234567\n',
            400,
            "form_broken",
        ),
    ],
)
async def test_a_body_that_is_no_file_is_a_problem_and_imports_nothing(
    client: Client,
    pool: Pool,
    campaign_id: int,
    headers: dict[str, str],
    content: bytes,
    status: int,
    code: str,
) -> None:
    response = await client.post(f"/v1/campaigns/{campaign_id}/contacts", content=content, headers=headers)
    assert (response.status_code, code_of(response)) == (status, code)
    assert await pool.fetchval("SELECT count(*) FROM contacts") == 0


async def test_a_campaign_that_is_not_there_takes_no_file(client: Client) -> None:
    response = await client.post("/v1/campaigns/4242/contacts", content=BASE, headers=CSV)
    assert (response.status_code, code_of(response)) == (404, "campaign_not_found")


def test_a_file_name_keeps_no_folders_and_nothing_invisible() -> None:
    assert clean_name("../../etc/base\n\x00.csv") == "base.csv"
    assert clean_name("C:\\bases\\октябрь.csv") == "октябрь.csv"
    assert len(clean_name("x" * 999)) == 200
