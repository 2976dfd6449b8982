"""The report: everything is on it, once, escaped, and nothing is fetched from elsewhere."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from html_page import Page
from PIL import Image

from strikebox import recipe
from strikebox.generation.backend import Size
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design, report
from strikebox.lab.design import Design
from strikebox.lab.report import page
from strikebox.lab.report.pictures import MOST_BYTES, data_url
from strikebox.lab.run import Run, ablate
from strikebox.lab.words import UNKNOWN, money_words, ratio_words, seconds_words


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ablate(design.load("seed"), ToyBackend(), tmp_path_factory.mktemp("run") / "seed")


@pytest.fixture(scope="module")
def html(run: Run) -> str:
    return page.html(run, 0.5)


def small(**changes: object) -> Design:
    return replace(design.load("seed"), subjects=("cat", "dog"), seeds=(1,), **changes)


def test_every_picture_is_there_once_as_it_is_on_the_disk(run: Run, html: str) -> None:
    encoded = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    shown = [hashlib.sha256(base64.b64decode(data)).hexdigest() for data in encoded]
    assert shown == run.table()["sha256"].to_list()


def test_every_picture_has_words_for_who_does_not_see_it(html: str) -> None:
    alts = [image["alt"] for image in Page(html).all("img") if "src" in image]
    assert len(alts) == len(set(alts)) == 75
    assert alts[0] == "Baseline: cat, seed 1"


def test_links_lead_to_what_is_on_the_page(html: str) -> None:
    read = Page(html)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in read.all("a"):
        target = link["href"] or ""
        assert target.startswith("#") and target[1:] in ids


def test_nothing_is_fetched(html: str) -> None:
    read = Page(html)
    for name, attributes in read.elements:
        for key in ("src", "srcset", "action", "poster", "data"):
            assert (attributes.get(key) or "data:").startswith("data:"), (name, attributes)
    assert [link["href"] for link in read.all("link")] == ["data:,"]
    css = "".join(read.texts["style"])
    assert "@import" not in css and "url(" not in css
    without_namespaces = html.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in without_namespaces and "https://" not in without_namespaces


def test_costs_are_those_of_the_run(run: Run, html: str) -> None:
    cells = [text.strip() for text in Page(html).texts["td"] if text.strip()]
    for row in run.costs().iter_rows(named=True):
        assert f"{row['forwards']:g}" in cells
    assert {"2,070", "2,910"} <= set(cells)
    assert "\N{MULTIPLICATION SIGN}1.93" in html  # 54 guided steps against 28
    assert "An hour of the machine at $0.50." in html


def test_without_a_price_there_are_no_dollars(run: Run) -> None:
    html = page.html(run)
    assert "Dollars" not in html and "$" not in "".join(Page(html).texts["dd"])


def test_each_recipe_is_drawn_and_can_be_copied(run: Run, html: str) -> None:
    read = Page(html)
    labels = [drawing["aria-label"] for drawing in read.all("svg") if "aria-label" in drawing]
    assert len(labels) == 5
    code = "".join(read.texts["pre"])
    assert all(recipe.dumps(r) in code for r in run.design.recipes)
    assert design.dumps(run.design) in code


def test_it_says_which_weights(html: str) -> None:
    facts = Page(html).texts["dd"]
    assert {"toy", "toy-lora"} <= set(facts)  # the hashes of the toy


def test_what_users_write_stays_text(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>\"'&{{ 7*7 }}"
    evil = replace(
        recipe.load("baseline"), title="</style><b>T</b>", description=nasty, name="evil", control_of=nasty
    )
    chosen = small(title=nasty, description=nasty, recipes=(evil,))
    chosen = replace(chosen, subjects=(nasty, "dog"))
    html = page.html(ablate(chosen, ToyBackend(), tmp_path / "r"))
    read = Page(html)
    assert len(read.all("script")) == len(read.all("style")) == 1
    assert "<b>T" not in html and "49" not in read.texts["h1"][0]
    assert read.texts["h1"] == [nasty]
    assert f"</style><b>T</b>: {nasty}, seed 1" in [image.get("alt") for image in read.all("img")]


def test_missing_pictures_are_named_and_cost_nothing(tmp_path: Path) -> None:
    run = ablate(small(), ToyBackend(), tmp_path / "r")
    for cell in list((tmp_path / "r" / "cells").iterdir())[:3]:
        cell.unlink()
    html = page.html(Run.open(tmp_path / "r"), 1.0)
    assert Page(html).texts["span"].count("not made yet") == 3
    assert "3 not made yet." in html
    assert "7 of 10 pictures made" in html
    assert run.design.title in html


def test_a_run_with_nothing_finished_has_no_cost_table(tmp_path: Path) -> None:
    ablate(small(), ToyBackend(), tmp_path / "r")
    for cell in (tmp_path / "r" / "cells").iterdir():
        cell.unlink()
    html = page.html(Run.open(tmp_path / "r"), 1.0)
    assert 'id="cost"' not in html and 'href="#cost"' not in html


def test_twenty_recipes_and_one(tmp_path: Path) -> None:
    base = recipe.load("lora")
    many = tuple(
        replace(base, name=f"r{n}", title=f"Guidance {n}", passes=(replace(base.passes[0], guidance=n),))
        for n in range(2, 22)
    )
    html = page.html(ablate(small(recipes=many), ToyBackend(), tmp_path / "many"))
    assert len([image for image in Page(html).all("img") if "src" in image]) == 40
    one = Design(name="one", title="One", recipes=(base,), subjects=("cat",), seeds=(1,))
    assert "1 picture<" in page.html(ablate(one, ToyBackend(), tmp_path / "one"))


def test_a_page_is_the_same_for_the_same_run(run: Run) -> None:
    assert page.html(run, 0.5) == page.html(Run.open(run.folder.path), 0.5)


def test_written_into_the_run_folder(run: Run, html: str) -> None:
    assert report.write(run, 0.5).read_text() == html
    assert report.write(run, 0.5).parent == run.folder.path


def test_large_pictures_are_shown_smaller(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (768, 512, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > MOST_BYTES
    kind, data = data_url(tmp_path / "a.png").split(",")
    assert kind == "data:image/webp;base64"
    (tmp_path / "b.webp").write_bytes(base64.b64decode(data))
    assert Image.open(tmp_path / "b.webp").size == (427, 640)


def test_sizes_are_those_of_the_pictures(tmp_path: Path) -> None:
    run = ablate(small(size=Size(height=96, width=64)), ToyBackend(), tmp_path / "r")
    images = [image for image in Page(page.html(run)).all("img") if "src" in image]
    assert {(image["width"], image["height"]) for image in images} == {("64", "96")}


def test_numbers_in_words() -> None:
    assert [seconds_words(s) for s in (None, 1.234, 59.6, 325, 7320)] == [
        UNKNOWN, "1.23 s", "60 s", "5 min 25 s", "2 h 2 min"
    ]  # fmt: skip
    assert [money_words(d) for d in (None, 0, 1e-9, 0.0000694, 0.009, 0.1, 1234.5)] == [
        UNKNOWN, "$0", "under $0.000001", "$0.000069", "$0.0090", "$0.10", "$1,234.50"
    ]  # fmt: skip
    assert [ratio_words(a, b) for a, b in ((None, 1), (2, None), (3, 2))] == [
        UNKNOWN, UNKNOWN, "\N{MULTIPLICATION SIGN}1.50"
    ]  # fmt: skip
