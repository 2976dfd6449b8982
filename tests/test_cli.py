"""The command line: what it prints, writes, and answers with."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strikebox import api, png, recipe
from strikebox.cli import main
from strikebox.generation.toy import ToyBackend
from strikebox.lab.run import Run


def answering(make: Callable[[], object]) -> Callable[..., object]:
    """A function of anything that answers with what `make` makes."""

    def answer(*_: object, **__: object) -> object:
        return make()

    return answer


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights and no LoRA file: every command works on the toy model, in an empty folder."""

    monkeypatch.setattr(api, "load_backend", answering(ToyBackend))
    monkeypatch.setattr(api, "precision", answering(lambda: "float32"))
    monkeypatch.setattr(api, "lora_file", answering(lambda: None))
    monkeypatch.setattr(api, "describe_model", answering(lambda: ToyBackend().model))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A design of four pictures."""
    text = (
        'title = "Small"\nrecipes = ["baseline", "sandwich"]\nsubjects = ["cat", "dog"]\nseeds = [1]\n'
        'style = "matchbox style"\n'
    )
    (tmp_path / "small.toml").write_text(text)
    return "small.toml"


def strikebox(*arguments: str) -> int:
    """Run the command line; its exit code."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def parsed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object on stdout; stderr must be empty."""
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_help_lists_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for word in (
        "generate",
        "ablate",
        "measure",
        "report",
        "plan",
        "checklist",
        "audit",
        "vote",
        "recipes",
        "blueprint",
    ):
        assert word in text
    codes = ("0 done", "1 a bug in Strikebox", "2 bad input (one line on stderr)", "3 checklist or doctor")
    assert all(code in text for code in codes)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, strikebox.cli;"
        "print(*{'torch', 'numpy', 'polars', 'PIL', 'jinja2', 'rich', 'strikebox.api'} & sys.modules.keys())"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.split() == []


def test_generate_writes_the_picture_and_says_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("generate", "cat", "--recipe", "sandwich", "--seed", "3", "--out", "a.png") == 0
    assert png.decode(Path("a.png").read_bytes()).strikebox is not None
    out = capsys.readouterr().out
    assert out.startswith("a.png\n")
    assert "108 forwards" in out


def test_generate_names_the_file_itself() -> None:
    assert strikebox("generate", "../cat / dog", "--recipe", "baseline") == 0
    assert [path.name for path in Path().iterdir()] == ["cat---dog-baseline-1.png"]


def test_generate_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("generate", "cat", "--out", "a.png", "--price", "3600", "--json") == 0
    said = parsed(capsys)
    assert said["picture"] == "a.png"
    assert said["recipe"] == {"name": "sandwich", "hash": recipe.load("sandwich").hash}
    assert said["dollars"] == pytest.approx(said["seconds"])
    assert said["model"] == {"name": "toy", "hash": "toy"}


def test_ablate_says_the_plan_and_writes_run_and_report(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert strikebox("ablate", small, "--no-measure") == 0
    out = capsys.readouterr().out
    assert "2 recipes x 2 subjects x 1 seeds = 4 pictures" in out
    assert str(Path("runs/small/report.html")) in out
    assert Run.open("runs/small").table()["sha256"].null_count() == 0
    assert Path("runs/small/report.html").read_text().startswith("<!doctype html>")


def test_the_seed_design_is_the_default_and_says_what_sharing_saves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert strikebox("ablate", "--no-measure") == 0
    assert "2,070 guided steps instead of 2,910" in capsys.readouterr().out
    assert Run.open("runs/seed").table().height == 75


def test_a_run_that_is_there_is_refused_without_resume(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert strikebox("ablate", small, "--no-measure") == 0
    made = {path: path.stat().st_mtime_ns for path in Path("runs/small/pictures").iterdir()}
    capsys.readouterr()
    assert strikebox("ablate", small, "--no-measure") == 2
    assert "--resume" in capsys.readouterr().err
    assert strikebox("ablate", small, "--no-measure", "--resume") == 0
    assert {path: path.stat().st_mtime_ns for path in Path("runs/small/pictures").iterdir()} == made


def test_ablate_json(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("ablate", small, "--no-measure", "--out", "r", "--json") == 0
    said = parsed(capsys)
    assert said["report"] == str(Path("r/report.html"))
    assert [(row["recipe"], row["pictures"], row["forwards"]) for row in said["costs"]] == [
        ("baseline", 2, 56),
        ("sandwich", 2, 108),
    ]


def test_an_interrupt_says_how_to_go_on_and_keeps_what_is_finished(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    decode = ToyBackend.decode

    def interrupted(self: ToyBackend, latents: Any) -> Any:
        if self.decoded:
            raise KeyboardInterrupt
        return decode(self, latents)

    with monkeypatch.context() as patch:
        patch.setattr(ToyBackend, "decode", interrupted)
        patch.setattr(sys, "argv", ["/bin/strikebox", "ablate", small, "--no-measure", "--batch-size", "1"])
        assert strikebox("ablate", small, "--no-measure", "--batch-size", "1") == 130
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.endswith(f"To go on: strikebox ablate {small} --no-measure --batch-size 1 --resume")
    assert Run.open("runs/small").table()["sha256"].null_count() == 3
    assert strikebox("ablate", small, "--no-measure", "--resume") == 0
    assert Run.open("runs/small").table()["sha256"].null_count() == 0


def test_report_again_at_another_price(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("ablate", small, "--no-measure", "--out", "r") == 0
    Path("r/report.html").unlink()
    capsys.readouterr()
    assert strikebox("report", "r", "--price", "2.5") == 0
    assert capsys.readouterr().out.strip() == str(Path("r/report.html"))
    assert "$2.50" in Path("r/report.html").read_text()


def test_recipes_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("recipes", "list", "--json") == 0
    assert {r["name"] for r in parsed(capsys)["recipes"]} == set(recipe.shipped())
    assert strikebox("recipes", "list") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in recipe.shipped())
    assert strikebox("recipes", "show", "edit") == 0
    assert recipe.parse(capsys.readouterr().out, "edit") == recipe.load("edit")


def test_blueprint_in_words_as_mermaid_and_as_a_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("blueprint", "sandwich") == 0
    words = capsys.readouterr().out
    assert "start sigma" in words and "108 forwards" in words and "flowchart TD" in words
    assert strikebox("blueprint", "sandwich", "--mermaid") == 0
    assert capsys.readouterr().out.startswith("flowchart TD")
    assert strikebox("blueprint", "sandwich", "--svg", "a.svg") == 0
    assert Path("a.svg").read_text().startswith("<svg")


def test_blueprint_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox("blueprint", "sandwich", "--json") == 0
    said = parsed(capsys)
    assert [p["steps"] for p in said["passes"]] == [28, 26]
    assert said["passes"][0]["bits"] is None
    assert said["passes"][1]["strength"] == 0.9
    assert said["forwards"] == 108


@pytest.mark.parametrize("arguments", [["nonsense"], ["generate"], ["generate", "cat", "--nonsense"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    assert strikebox(*arguments) == 2
