"""Files that nobody should open: readers of the command line say so in one line, soon and in little room."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import corpus
import pytest

_MOST_SECONDS = 60  # of processor time for a whole list of files
_MOST_MEMORY = 3 << 30  # bytes of addresses, libraries and all
_FINE = {0, 2, 3}  # 2: one line says what is wrong; 3: the checklist says stop

# Runs the command line on each file in a folder, in one process that may not grow without end.
_READER = """
import contextlib, io, json, sys, traceback
from pathlib import Path
from strikebox.cli import main
words = json.loads(sys.argv[2])
for path in sorted(Path(sys.argv[1]).iterdir()):
    said, out = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(out):
            main([str(path) if word == "FILE" else word for word in words])
        code = 0
    except SystemExit as left:
        code = left.code or 0
    except BaseException:
        code, said = 1, io.StringIO(traceback.format_exc()[-1500:])
    print(json.dumps([path.name, code, said.getvalue(), len(out.getvalue())]), flush=True)
"""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


def answers(folder: Path, words: list[str]) -> list[tuple[str, int, str, int]]:
    """Name, exit code, what was said on standard error, and how much on standard output."""
    command = [sys.executable, "-c", _READER, str(folder), json.dumps(words)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited, cwd=folder.parent)
    assert done.returncode == 0, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("files", "suffix", "words"),
    [
        (corpus.pngs, "png", ["verify", "FILE"]),
        (corpus.tomls, "toml", ["recipes", "show", "FILE"]),
        (corpus.tomls, "toml", ["blueprint", "FILE"]),
        (corpus.tomls, "toml", ["plan", "FILE"]),
        (corpus.loras, "safetensors", ["checklist", "FILE", "pictures"]),
    ],
    ids=["verify", "recipes", "blueprint", "plan", "checklist"],
)
def test_readers_say_so_in_one_line(
    files: Callable[[], Mapping[str, bytes]], suffix: str, words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(corpus.png(128, 128))
    for name, content in files().items():
        (folder / f"{name}.{suffix}").write_bytes(content)
    wrong = [
        (name, code, said[-600:])
        for name, code, said, _ in answers(folder, words)
        if code not in _FINE or (code == 2 and said.count("\n") != 1) or len(said) > 2000
    ]
    assert wrong == []


def test_a_dataset_of_bad_pictures(tmp_path: Path) -> None:
    """One that can be read, and all that cannot."""
    from strikebox import api

    lora = str(api.lora_file(None, None))
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "good.png").write_bytes(corpus.png(128, 128))
    for name, content in corpus.pngs().items():
        (folder / f"{name}.png").write_bytes(content)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "x").touch()
    ((_, code, said, _),) = answers(tmp_path / "files", ["checklist", lora, str(folder)])
    assert code in _FINE, said
