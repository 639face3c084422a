"""`obzvon doctor` as an administrator runs it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.catalogue import LANGUAGES, Catalogue
from api.cli.doctor import as_object, doctor
from api.cli.main import main
from campaigns.findings import LEVELS, Finding

QUIET_PORTS = "20160-20179"


@pytest.fixture
def environment(database: str, tmp_path: Path) -> dict[str, str | None]:
    return {"DATABASE_URL": database, "XDG_DATA_HOME": str(tmp_path), "OBZVON_RTP_PORTS": QUIET_PORTS}


def test_an_installation_that_is_all_right_exits_0(environment: dict[str, str | None]) -> None:
    result = CliRunner().invoke(doctor, env=environment)
    assert result.exit_code == 0, result.output
    assert "up to date" in result.output
    assert result.output.rstrip().endswith("all right.")


def test_a_problem_exits_1_with_its_remedy_below(environment: dict[str, str | None]) -> None:
    result = CliRunner().invoke(doctor, env={**environment, "OBZVON_SIP_HOST": "192.0.2.1"})
    assert result.exit_code == 1
    lines = result.output.splitlines()
    (index,) = [number for number, line in enumerate(lines) if line.startswith("PROBLEM")]
    assert "192.0.2.1" in lines[index]
    assert "OBZVON_SIP_HOST" in lines[index + 1]
    assert lines[-1] == "1 problem."


def test_json_holds_the_same_for_programs(environment: dict[str, str | None]) -> None:
    result = CliRunner().invoke(doctor, ["--json"], env={**environment, "OBZVON_SIP_PORT": "many"})
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["is_healthy"] is False
    (problem,) = [finding for finding in report["findings"] if finding["level"] == "problem"]
    assert (problem["area"], problem["code"], problem["facts"]["name"]) == (
        "settings",
        "setting_wrong",
        "OBZVON_SIP_PORT",
    )
    assert problem["remedy"]


def test_without_any_database_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.cli.doctor.default_data_dir", lambda _environ: tmp_path / "data")
    environment = {"DATABASE_URL": None, "XDG_DATA_HOME": str(tmp_path), "OBZVON_RTP_PORTS": QUIET_PORTS}
    result = CliRunner().invoke(doctor, ["--json"], env=environment)
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["findings"][0]["code"] == "database_not_made"
    assert list(tmp_path.iterdir()) == []


def test_the_help_says_what_is_not_looked_at() -> None:
    assert "TLS" in CliRunner().invoke(main, ["doctor", "--help"]).output


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", LEVELS)
def test_every_finding_has_its_sentence_and_every_problem_its_remedy(language: str, code: str) -> None:
    sentences = Catalogue.load().forms[language]  # type: ignore[index]  # pytest widens the literal
    assert f"doctor.{code}" in sentences
    assert LEVELS[code][1] != "problem" or f"doctor.{code}.remedy" in sentences


def test_facts_fill_the_sentence() -> None:
    codecs = ["G729/8000", "18"]
    written = as_object(Finding("trunk_codec_mismatch", {"trunk": "t", "codecs": codecs}))
    assert "G729/8000, 18" in written["text"]
