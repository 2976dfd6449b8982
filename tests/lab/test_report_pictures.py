"""Many pictures: the page stays one that a phone opens, all are shown alike, and it says how."""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from html_page import Page, part
from PIL import Image

from strikebox.errors import StoreError
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design
from strikebox.lab.report import page, pictures
from strikebox.lab.report.pictures import AS_IS, Form, data_url, fitting
from strikebox.lab.run import Run, ablate

SAID = "too many for a phone"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ablate(design.load("seed"), ToyBackend(), tmp_path_factory.mktemp("run") / "seed")


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """120 pictures that no format makes small."""
    folder, rng = tmp_path_factory.mktemp("noise"), np.random.default_rng(1961)
    paths = [folder / f"{n}.png" for n in range(120)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (96, 64, 3), dtype=np.uint8)).save(path)
    return paths


def together(paths: Sequence[Path], form: Form) -> int:
    return sum(len(data_url(path, form)) for path in paths)


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))


def test_pictures_stay_as_they_are_while_there_is_room(noise: list[Path]) -> None:
    few = noise[:20]
    assert fitting([]) == fitting(few) == AS_IS
    assert fitting(few, together(few, AS_IS)) == AS_IS != fitting(few, together(few, AS_IS) - 1)


@pytest.mark.parametrize("share", [0.5, 0.2, 0.1])
def test_beyond_it_all_of_them_together_stay_below_the_bound(noise: list[Path], share: float) -> None:
    most = round(share * together(noise, AS_IS))
    form = fitting(noise, most)
    assert form.exact == 0 and most / 3 < together(noise, form) <= most


def test_less_room_is_never_filled_better(noise: list[Path]) -> None:
    sizes = [together(noise, fitting(noise, most)) for most in (1_000_000, 500_000, 200_000, 100_000)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_smallest_form_is_taken_where_none_fits(noise: list[Path]) -> None:
    assert fitting(noise, 1) == min(pictures._FORMS, key=lambda form: (form.side, form.quality))


def test_a_form_keeps_proportions_and_never_enlarges(noise: list[Path]) -> None:
    assert opened(data_url(noise[0], Form(side=48, quality=70))).size == (32, 48)
    assert opened(data_url(noise[0], Form(side=640, quality=70))).size == (64, 96)


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(StoreError, match="not a readable PNG"):
        fitting([tmp_path / "a.png"])


def test_a_page_of_many_pictures_shows_them_alike_and_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SAID not in page.html(run)
    many = [run.folder.pictures.path(name) for name in run.table()["sha256"]]
    most = together(many, AS_IS) // 4
    monkeypatch.setattr("strikebox.lab.report.grid.fitting", lambda paths: fitting(paths, most))
    html = part(page.html(run), "pictures")
    shown = [str(image["src"]) for image in Page(html).all("img") if "src" in image]
    assert len(shown) == 75 and sum(map(len, shown)) <= most
    assert all(url.startswith("data:image/webp;") for url in shown)
    assert len({opened(url).size for url in shown}) == 1
    said = re.search(rf"{SAID} [^;]*", html)
    assert said is not None
    assert ("px a side" in said[0]) == (opened(shown[0]).width < run.model.size.width)


def test_a_page_of_a_very_large_design_shows_the_first_seeds_and_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "seeds the first" not in page.html(run)
    monkeypatch.setattr("strikebox.lab.report.facts.MOST_SHOWN", 50)
    html = part(page.html(run), "pictures")
    assert "Of 3 seeds the first 2 are shown" in html
    assert len([image for image in Page(html).all("img") if "src" in image]) == 50
    assert "<strong>75 not made" not in html
