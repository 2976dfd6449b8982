"""An audit from end to end on the toy model: its page, its facts, what it does again and what not."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strikebox import api
from strikebox.cli import main
from strikebox.errors import DesignError
from strikebox.generation.backend import Denoise, Latents
from strikebox.generation.toy import ToyBackend
from strikebox.lab import audit as audits
from strikebox.lab import dataset

LABELS = api.embedded("labels")
LORA = api.embedded("lora") / "pytorch_lora_weights.safetensors"


class Counting:
    """A toy backend that counts pictures denoised by sampling, a whole schedule at a time."""

    made = 0

    def __init__(self) -> None:
        self._toy = ToyBackend()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._toy, name)

    def denoise(self, batch: list[Denoise]) -> list[Latents]:
        Counting.made += sum(len(request.sigmas) > 2 for request in batch)
        return self._toy.denoise(batch)


def some_labels(part: str, count: int, folder: Path) -> Path:
    """A folder of the first labels of a set."""
    rows = (LABELS / part / "metadata.jsonl").read_text("utf-8").splitlines()[:count]
    folder.mkdir()
    (folder / "metadata.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    for row in rows:
        name = json.loads(row)["file_name"]
        shutil.copy(LABELS / part / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """A folder, and the words of a small audit in it."""
    folder = tmp_path_factory.mktemp("audit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "load_backend", lambda *_, **__: Counting())
        patch.setattr(api, "precision", lambda *_: "float32")
        patch.setattr(api, "describe_model", lambda *_: ToyBackend().model)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        words = ["audit", str(LORA), "--out", str(folder / "out"), "--certify", "0.5"]
        words += ["--dataset", str(some_labels("train", 12, folder / "train"))]
        words += ["--held-out", str(some_labels("held-out", 24, folder / "held-out"))]
        words += ["--subject", "cat", "--subject", "dog"]
        yield folder / "out", words


def strikebox(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_one_command_makes_the_page_the_facts_and_both_runs(
    asked: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    out, words = asked
    assert strikebox(*words) == 0
    said = capsys.readouterr().out
    assert "Ship: " in said
    assert f"audit     {out / 'audit.html'}" in said
    facts = json.loads((out / "audit.json").read_text("utf-8"))
    (textbook,) = [one for one in facts["certificates"] if one["recipe"] == audits.TEXTBOOK]
    assert (textbook["pictures"], textbook["held_out"]) == (6, 24)  # 5 pictures certify a half: 2 x 3
    assert len(facts["memorised"]["pictures"]) == 12
    page = (out / "audit.html").read_text("utf-8")
    for anchor in ("verdict", "certificates", "memorised", "checklist"):
        assert f'<section id="{anchor}"' in page
    assert (out / "scales" / "verdict.json").exists()
    assert (out / "certificate" / "run.json").exists()


def test_what_is_there_is_not_made_again(
    asked: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    _, words = asked
    assert strikebox(*words, "--no-white-box") == 0
    capsys.readouterr()
    before = Counting.made
    assert strikebox(*words, "--no-white-box", "--json") == 0
    assert Counting.made == before
    facts = json.loads(capsys.readouterr().out)
    assert facts["memorised"] is None
    assert any("Losses were not compared" in line for line in facts["missing"])


def test_without_trigger_words_the_lora_alone_is_swept() -> None:
    named, plain = audits.scales(["cat"], "a style"), audits.scales(["cat"], None)
    assert (named.style, plain.style) == ("a style", None)
    assert len(named.recipes) == 9
    assert [recipe.name for recipe in plain.recipes][:1] == ["baseline"]
    assert all("style" not in recipe.needs for recipe in plain.recipes)
    assert sum(recipe.uses_lora for recipe in plain.recipes) == 6


def test_a_dataset_without_subjects_asks_for_them() -> None:
    with pytest.raises(DesignError, match="--subject"):
        audits.scales([], "a style")


def test_subjects_come_by_how_often_they_are_shown() -> None:
    found = audits.subjects(dataset.read(LABELS / "train"))
    assert len(found) == 40
    assert found[0] == "cat"


@pytest.mark.parametrize("share", ["0", "1", "-1"])
def test_a_share_that_nothing_certifies_is_refused(
    asked: tuple[Path, list[str]], share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, words = asked
    assert strikebox(*words, "--certify", share) == 2
    assert "is no share between 0 and 1" in capsys.readouterr().err
