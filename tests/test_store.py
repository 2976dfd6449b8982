import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from strikebox import files, png, recipe, store
from strikebox.errors import RunError, StoreError
from strikebox.files import Pictures
from strikebox.png import Provenance
from strikebox.store import CellRecord, Identity, KeptLatents, RunFolder

IDENTITY = Identity(
    design={"seeds": (1, 2), "recipes": {"baseline": "aa"}},
    model={"name": "toy", "hash": "m1"},
    lora={"name": "labels", "hash": "l1"},
    settings={"dtype": "float32"},
)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".lock"}


# Files ---------------------------------------------------------------------------------------------


def test_writing_replaces_whole_files(tmp_path: Path) -> None:
    files.write(tmp_path / "a", b"one")
    files.write(tmp_path / "a", b"two")
    assert files.read(tmp_path / "a") == b"two"
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    files.write(tmp_path / "a", b"old")

    def full(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(StoreError, match="the disk is full; make room") as caught:
            files.write(tmp_path / "a", b"new")
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == {"a"}
    assert files.read(tmp_path / "a") == b"old"


def test_a_real_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """The kernel cuts the write short, then refuses the rest."""
    script = """
import resource, sys
from pathlib import Path
from strikebox import errors, files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    files.write(Path(sys.argv[1]), bytes(5000))
except errors.StoreError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a")], capture_output=True, text=True, check=True
    )
    assert "the disk is full" in done.stdout
    assert names(tmp_path) == set()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def three_bytes(descriptor: int, data: memoryview) -> int:
        return real(descriptor, data[:3])

    monkeypatch.setattr(os, "write", three_bytes)
    files.write(tmp_path / "a", b"0123456789")
    assert files.read(tmp_path / "a") == b"0123456789"


def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "missing" / "a", tmp_path / "file" / "a"):
        with pytest.raises(StoreError, match=f"cannot write {path}: .*; give a path that exists"):
            files.write(path, b"")
    with pytest.raises(StoreError, match="cannot create"):
        files.make_folder(tmp_path / "file" / "folder")
    with pytest.raises(StoreError, match="cannot read"):
        files.read(tmp_path / "missing")

    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", read_only)
        with pytest.raises(StoreError, match="Read-only file system"):
            files.write(tmp_path / "a", b"")


def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            files.write(tmp_path / "a", b"data")
    assert names(tmp_path) == set()


def test_pictures_are_named_by_their_content(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    name = pictures.put(b"picture")
    assert pictures.put(b"picture") == name
    assert names(tmp_path) == {f"{name}.png"}
    assert pictures.get(name) == b"picture"
    pictures.path(name).write_bytes(b"other")
    with pytest.raises(StoreError, match="is damaged"):
        pictures.get(name)


# PNG -----------------------------------------------------------------------------------------------

PIXELS = np.arange(32 * 16 * 3, dtype=np.uint8).reshape(16, 32, 3)


def provenance(name: str = "sandwich") -> Provenance:
    made_by = recipe.load(name)
    return Provenance(
        recipe=made_by,
        subject="cat",
        prompts=("cat",) * len(made_by.passes),
        seed=7,
        model_name="klein-nano",
        model_hash="0123456789abcdef",
        lora_name="labels",
        lora_hash="fedcba9876543210",
        forwards=108,
        flops=10**15,
    )


def test_a_png_says_how_to_make_it_again() -> None:
    read = png.decode(png.encode(PIXELS, provenance()))
    np.testing.assert_array_equal(read.pixels, PIXELS)
    assert read.strikebox is not None
    said = dict(read.strikebox)
    assert recipe.parse(said["recipe"]["toml"], "sandwich") == recipe.load("sandwich")  # pyright: ignore
    assert said["size"] == {"width": 32, "height": 16}
    assert said["lora"] == {"name": "labels", "hash": "fedcba9876543210", "scales": [2.0, None]}
    assert said["cost"] == {"forwards": 108, "flops": 10**15}
    assert (said["subject"], said["seed"], said["prompts"]) == ("cat", 7, ["cat", "cat"])


def test_equal_pictures_with_equal_histories_are_equal_bytes() -> None:
    assert png.encode(PIXELS, provenance()) == png.encode(PIXELS.copy(), provenance())
    assert png.encode(PIXELS, provenance()) != png.encode(PIXELS, replace(provenance(), seed=8))


@pytest.mark.parametrize(
    ("name", "first", "settings"),
    [
        (
            "lora",
            "cat <lora:labels:2>",
            'Model: klein-nano, Lora hashes: "labels: fedcba987654", Recipe: lora',
        ),
        ("sandwich", "cat", "Model: klein-nano, Denoising strength: 0.9, Lora hashes"),
        ("baseline", "cat", "Model: klein-nano, Recipe: baseline, Version: strikebox"),
    ],
)
def test_parameters_are_as_other_tools_read_them(name: str, first: str, settings: str) -> None:
    text = png.decode(png.encode(PIXELS, provenance(name))).parameters
    assert text is not None
    prompt, line = text.split("\n")
    assert prompt == first
    assert line.startswith(
        "Steps: 28, Sampler: Euler, CFG scale: 4.0, Seed: 7, Size: 32x16, Model hash: 0123456789, "
    )
    assert settings in line


def test_russian_prompts_survive() -> None:
    read = png.decode(png.encode(PIXELS, replace(provenance("baseline"), subject="кот", prompts=("кот",))))
    assert read.parameters is not None
    assert read.parameters.startswith("кот\n")
    assert read.strikebox is not None
    assert read.strikebox["subject"] == "кот"


@pytest.mark.parametrize("damaged", [b"", b"GIF89a", png.encode(PIXELS, provenance())[:200]])
def test_what_is_no_png_is_said(damaged: bytes) -> None:
    with pytest.raises(StoreError, match="not a readable PNG"):
        png.decode(damaged)


# Runs ----------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    with store.writing(tmp_path / "run", IDENTITY, {"recipes/a.toml": "title = 'A'"}) as folder:
        yield folder


def test_a_run_is_read_as_it_was_written(run: RunFolder) -> None:
    assert run.identity() == replace(IDENTITY, design={"seeds": [1, 2], "recipes": {"baseline": "aa"}})
    record = CellRecord(
        key="k", recipe="a", subject="кот", seed=1, prompts=("x", "y"), picture=run.pictures.put(b"1"),
        forwards=2, flops=10**15, seconds=0.1,
    )  # fmt: skip
    run.write_cell(record)
    run.spend(1.5)
    run.spend(2.0)
    latents = np.random.default_rng(0).standard_normal((4, 2, 2), dtype=np.float32)
    run.write_latents("s", KeptLatents(latents, 0.25))
    again = RunFolder(run.path)
    assert again.cells() == {"k": record}
    assert again.seconds() == 3.5
    assert again.kept() == {"s"}
    assert again.read_latents("s").seconds == 0.25
    np.testing.assert_array_equal(again.read_latents("s").latents, latents)
    assert (run.path / "recipes" / "a.toml").read_text() == "title = 'A'"
    run.drop_latents("s")
    assert again.kept() == set()


def test_a_cell_whose_picture_was_deleted_is_not_finished(run: RunFolder) -> None:
    record = CellRecord(
        key="k", recipe="a", subject="cat", seed=1, prompts=("x",), picture=run.pictures.put(b"1"),
        forwards=2, flops=3, seconds=0.1,
    )  # fmt: skip
    run.write_cell(record)
    run.pictures.path(record.picture).unlink()
    assert run.cells() == {}


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_damaged_latents_are_forgotten(run: RunFolder, cut: int) -> None:
    run.write_latents("s", KeptLatents(np.ones((4, 2, 2), np.float32), 0.25))
    path = run.path / "latents" / "s.npz"
    path.write_bytes(path.read_bytes()[:cut])
    assert run.kept() == set()
    assert not path.exists()


def test_latents_with_flipped_bits_are_forgotten(run: RunFolder) -> None:
    run.write_latents("s", KeptLatents(np.ones((4, 2, 2), np.float32), 0.25))
    path = run.path / "latents" / "s.npz"
    path.write_bytes(path.read_bytes().replace(np.float32(1).tobytes(), np.float32(2).tobytes()))
    assert run.kept() == set()


def test_two_writers_are_refused(run: RunFolder) -> None:
    with (
        pytest.raises(RunError, match="in use by another process; wait"),
        store.writing(run.path, IDENTITY, {}),
    ):
        pass


def test_a_run_can_be_gone_on_with_and_is_swept(tmp_path: Path) -> None:
    for _ in range(2):
        with store.writing(tmp_path, IDENTITY, {"a.toml": ""}):
            assert names(tmp_path) == {"a.toml", "run.json"}
        for leftover in (
            ".0.part",
            "pictures/.1.part",
            "cells/.2.part",
            "latents/.3.part",
            "recipes/.4.part",
        ):
            (tmp_path / leftover).write_text("half")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(IDENTITY, model={"name": "toy", "hash": "m2"}), "model.hash is 'm1' there, 'm2' here;"),
        (replace(IDENTITY, lora=None), "lora.hash is 'l1' there, None here"),
        (replace(IDENTITY, settings={"dtype": "bfloat16"}), "settings.dtype is 'float32' there, 'bfloat16'"),
        (
            replace(IDENTITY, design={"seeds": [1, 3], "recipes": {"baseline": "aa"}}),
            r"design.seeds is \[1, 2\]",
        ),
    ],
)
def test_another_run_is_refused_with_what_differs(tmp_path: Path, other: Identity, said: str) -> None:
    with store.writing(tmp_path, IDENTITY, {}):
        pass
    with pytest.raises(RunError, match=said) as caught, store.writing(tmp_path, other, {}):
        pass
    assert "give another folder" in str(caught.value)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with (
        pytest.raises(RunError, match=r"holds thesis\.tex and no run\.json"),
        store.writing(tmp_path, IDENTITY, {}),
    ):
        pass
    assert names(tmp_path) == {"thesis.tex"}
    with pytest.raises(RunError, match="give the folder of a run"):
        RunFolder(tmp_path).identity()


def test_a_run_that_was_killed_while_it_started_can_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = files.write, 0

    def third_fails(path: Path, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        real(path, data)

    copies = {"design.toml": "", "recipes/a.toml": ""}
    with monkeypatch.context() as patched:
        patched.setattr(files, "write", third_fails)
        with pytest.raises(KeyboardInterrupt), store.writing(tmp_path, IDENTITY, copies):
            pass
    with store.writing(tmp_path, IDENTITY, copies) as run:
        assert names(tmp_path) == {*copies, "run.json"}
        assert run.identity().model == IDENTITY.model


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is damaged"),
        ('{"format": 2}', "has format 2"),
        ('{"format": 1}', "not written by this version"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_said(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=said):
        RunFolder(tmp_path).identity()
