"""Bad input: one line that says what to do, exit code 2, and nothing half-written."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

from strikebox import api
from strikebox.cli import main
from strikebox.generation.backend import Backend
from strikebox.generation.toy import ToyBackend

EMBEDDED = Path(str(api.lora_file(None, None))).parents[1]
needs_weights = pytest.mark.skipif(
    not (EMBEDDED / "klein-nano" / "model_index.json").is_file(), reason="the embedded weights are not here"
)
DESIGN = 'title = "T"\nrecipes = ["baseline"]\nsubjects = ["cat"]\nseeds = [1]\n'
RECIPE = 'title = "T"\n[[pass]]\nkind = "text-to-image"\nprompt = "{subject}"\nsteps = 2\nguidance = 1.0\n'


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy model instead of the embedded one."""

    def load_backend(*_: object, **__: object) -> Backend:
        return ToyBackend()

    def precision(*_: object) -> str:
        return "float32"

    def lora_file(*_: object) -> None:
        return None

    for function in (load_backend, precision, lora_file):
        monkeypatch.setattr(api, function.__name__, function)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said on stderr; the run must leave with 2, one line, and not a file more than before."""
    before = everything()
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    line, end = capsys.readouterr().err.split("\n")
    assert end == ""
    assert everything() == before
    return line.removeprefix("error: ")


def everything() -> list[Path]:
    return sorted(Path().rglob("*"))


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("title = ", "is not TOML"),
        (DESIGN + "colour = 1\n", "colour"),
        (DESIGN.replace('"cat"', '"c\\u0007t"'), "invisible control U+0007"),
        (DESIGN.replace('"cat"', '"c\\u202et"'), "invisible control U+202E"),
        (DESIGN.replace('"baseline"', '"bassline"'), "did you mean baseline"),
        (DESIGN.replace('"baseline"', '"mine.toml"'), "cannot be read (No such file or directory)"),
        (DESIGN.replace("[1]", "[-1]"), "lies between 0 and"),
        (DESIGN + "size = 100\n", "multiples of 16 px"),
        (DESIGN + "size = 0\n", "multiples of 16 px"),
    ],
)
def test_designs(text: str | None, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    if text is not None:
        Path("d.toml").write_text(text)
    assert said in refusal(capsys, "ablate", "d.toml")


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("[[pass", "is not TOML"),
        (RECIPE + "stepz = 2\n", "stepz"),
        (RECIPE.replace("steps = 2", "steps = 0"), "steps: is 0"),
        (RECIPE.replace("1.0", "nan"), "guidance: is nan"),
        (RECIPE.replace("{subject}", "{subjects}"), "a template knows"),
    ],
)
def test_recipes(text: str | None, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    if text is not None:
        Path("r.toml").write_text(text)
    for command in (["generate", "cat", "--recipe", "r.toml"], ["recipes", "show", "r.toml"]):
        message = refusal(capsys, *command)
        assert message.startswith("r.toml: ")
        assert said in message


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["c\x07t"], "invisible control U+0007"),
        ([" "], "subject: is empty"),
        (["x" * 201], "at most 200"),
        (["cat", "--size", "100"], "multiples of 16 px"),
        (["cat", "--seed", "4294967296"], "lies between 0 and 4294967295"),
        (["cat", "--recipe", "style-prompt"], "trigger words"),
        (["cat", "--out", "no/such/cat.png"], "does not exist"),
        (["cat", "--out", "."], "is a folder"),
    ],
)
def test_requests(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refusal(capsys, "generate", *arguments)


def pickled() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "truncated"),
        (b"\xff" * 64, "not a safetensors file"),
        (pickled(), "is a pickle"),
        ((30).to_bytes(8, "little") + b'{"a": nonsense                ', "malformed"),
    ],
)
@pytest.mark.parametrize("command", [["generate", "cat"], ["ablate"]])
def test_lora_files(
    content: bytes | None, said: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        Path("l.safetensors").write_bytes(content)
    assert said in refusal(capsys, *command, "--lora", "l.safetensors")


def lora(module: str, inputs: int, outputs: int) -> dict[str, NDArray[np.float32]]:
    return {
        f"{module}.lora_A.weight": np.zeros((4, inputs), np.float32),
        f"{module}.lora_B.weight": np.zeros((outputs, 4), np.float32),
    }


def width() -> int:
    return api.describe_model().architecture.dim


@needs_weights
def test_a_lora_of_another_model(capsys: pytest.CaptureFixture[str]) -> None:
    save_file(lora("transformer.transformer_blocks.0.attn.to_q", 3072, 3072), "l.safetensors")
    message = refusal(capsys, "generate", "cat", "--lora", "l.safetensors", "--json")
    assert "made for another model: its transformer_blocks.0.attn.to_q has 3072 inputs" in message
    assert message.endswith(f"this model's has {width()}")


@needs_weights
def test_a_lora_of_a_deeper_model(capsys: pytest.CaptureFixture[str]) -> None:
    save_file(lora("transformer.transformer_blocks.99.attn.to_q", width(), width()), "l.safetensors")
    assert "made for another model" in refusal(capsys, "ablate", "--lora", "l.safetensors", "--json")


@needs_weights
def test_a_lora_that_touches_no_layer(capsys: pytest.CaptureFixture[str]) -> None:
    save_file(lora("text_model.layers.0.attn", width(), width()), "l.safetensors")
    assert "touches no layer" in refusal(capsys, "generate", "cat", "--lora", "l.safetensors", "--json")


@pytest.mark.parametrize("command", [["generate", "cat", "--recipe", "baseline"], ["ablate"]])
def test_devices(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "device cuda:99 is not there" in refusal(capsys, *command, "--model", ".", "--device", "cuda:99")
    assert "is unknown" in refusal(capsys, *command, "--model", ".", "--device", "toaster")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("./missing", "neither a directory here nor a hub id"),
        (".", "model_index.json"),
        ("a.bin", "is a file"),
    ],
)
def test_models(model: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.bin").touch()
    assert said in refusal(capsys, "generate", "cat", "--recipe", "baseline", "--model", model)


@pytest.mark.usefixtures("toy")
def test_folders_that_are_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("d").mkdir()
    Path("d/thesis.txt").touch()
    assert "holds no run.json" in refusal(capsys, "report", "d")
    assert "holds thesis.txt and no run.json" in refusal(capsys, "ablate", "--out", "d")


def test_another_design_does_not_enter_a_run(
    toy: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d.toml").write_text(DESIGN)
    with pytest.raises(SystemExit) as left:
        main(["ablate", "d.toml", "--out", "r", "--no-measure"])
    assert left.value.code == 0
    capsys.readouterr()
    (tmp_path / "d.toml").write_text(DESIGN.replace("cat", "dog"))
    assert "belongs to another run" in refusal(capsys, "ablate", "d.toml", "--out", "r", "--resume", "--json")


FULL = """
import resource, sys
from strikebox import api
from strikebox.cli import main
from strikebox.generation.toy import ToyBackend
api.load_backend, api.precision, api.lora_file = lambda *a, **k: ToyBackend(), lambda *a: "", lambda *a: None
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:])
"""


@pytest.mark.parametrize("room", [20, 600, 1500, 4000])
def test_a_disk_without_room_leaves_no_broken_file(room: int, tmp_path: Path) -> None:
    """No file may grow beyond `room` bytes: each kind of file fails at its own."""
    (tmp_path / "temporary").mkdir()
    for command in (["ablate", "--out", "r"], ["generate", "cat", "--out", "cat.png"]):
        ended = subprocess.run(
            [sys.executable, "-c", FULL, str(room), *command, "--json"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
        if ended.returncode == 0:  # small enough to fit
            continue
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.count("\n") == 1
        assert "the disk is full; make room and run again" in ended.stderr
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
    for path in tmp_path.rglob("*.json"):
        json.loads(path.read_text())
