"""The configuration: what holds without one, what wins over what, and what is refused in one line."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from strikebox.errors import SettingsError
from strikebox.site.settings import Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    path = Path("given.toml")
    path.write_text(text)
    return path


def test_nothing_needs_to_be_said() -> None:
    settings = Settings.read()
    assert settings.recipe.name == "recommended"
    assert settings.model.model is None
    assert settings.database == "runs/site/site.sqlite"


def test_the_file_here_is_read_unless_another_is_named() -> None:
    Path("strikebox.toml").write_text("[budget]\ndollars_per_day = 2")
    assert Settings.read().budget.dollars_per_day == 2
    assert Settings.read(written("[budget]\ndollars_per_day = 3")).budget.dollars_per_day == 3


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIKEBOX_BUDGET__DOLLARS_PER_DAY", "7")
    monkeypatch.setenv("STRIKEBOX_RETENTION_DAYS", "3")
    settings = Settings.read(written("[budget]\ndollars_per_day = 2\ndollars_per_hour = 0.5"))
    assert (settings.budget.dollars_per_day, settings.budget.dollars_per_hour) == (7, 0.5)
    assert settings.retention_days == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[site]\ncolour = 'red'", "site.colour: is no key"),
        ("[colours]\nred = 1", "colours: is no key"),
        ("retention = 1", "retention: is no key"),
        ("[budget]\ndollars_per_day = -1", "budget.dollars_per_day: .*greater than or equal to 0"),
        ("[budget]\ntime_zone = 'Mars/Olympus'", "budget.time_zone: .*no time zone 'Mars/Olympus'"),
        ("[site]\nlanguages = ['de']", "site.languages.0: "),
        ("[budget", "given.toml: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        Settings.read(written(text))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["STRIKEBOX_COLOURS__RED", "STRIKEBOX_SITE__COLOUR"])
def test_the_environment_has_no_unknown_keys_either(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=r"(?i)colour"):
        Settings.read()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no file"):
        Settings.read(tmp_path / "absent.toml")


def test_nothing_changes_while_the_site_runs() -> None:
    with pytest.raises(ValidationError):
        Settings.read().budget.dollars_per_day = 5  # pyright: ignore[reportAttributeAccessIssue]


def test_the_environment_can_carry_all_of_it_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings.read(
        written("[storage]\nfolder = 'far'\n[site]\nlanguages = ['ru']\n[budget]\ndollars_per_day = 2")
    )
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    Path("strikebox.toml").write_text("[budget]\ndollars_per_day = 9")
    assert Settings.read().model_dump() == given.model_dump()
