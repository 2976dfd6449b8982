"""Clip art: what its tables name, and how old SVG files are made readable."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import clipart
import pytest
from animals import NAMES
from PIL import Image, ImageDraw
from sets import Glyph

OLD = """<?xml version="1.0"?>
<svg height="20" width="2cm">
  <metadata><rdf:RDF><cc:license rdf:resource="http://web.resource.org/cc/PublicDomain"/></rdf:RDF></metadata>
  <rect width="10" height="10" xlink:href="#a"/>
</svg>"""


def circle(fill: str) -> Image.Image:
    picture = Image.new("RGBA", (128, 128))
    ImageDraw.Draw(picture).ellipse((20, 20, 108, 108), fill=fill)
    return picture


def test_the_tables_name_the_forty_animals_and_no_drawing_twice() -> None:
    tables = [clipart.OPENCLIPART, clipart.SYMBOLA, *(animals for _, animals in clipart.ICONS.values())]
    for table in tables:
        assert set(table) <= set(NAMES)
        files = [file for listed in table.values() for file in listed.split()]
        assert len(set(files)) == len(files)


def test_every_animal_is_drawn_by_the_typeface() -> None:
    assert set(clipart.SYMBOLA) == set(NAMES)


def test_an_old_document_gets_its_namespaces_and_a_view_box_and_loses_its_metadata() -> None:
    root = ElementTree.fromstring(clipart.document(OLD))
    width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
    assert (width, height) == (pytest.approx(2 * 90 / 2.54), 20)
    assert "width" not in root.attrib
    assert [child.tag for child in root] == ["{http://www.w3.org/2000/svg}rect"]


def test_only_files_in_the_public_domain_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipart, "OPENCLIPART", {"cat": "free other"})
    (tmp_path / "free.svg").write_text(OLD)
    (tmp_path / "other.svg").write_text(OLD.replace("PublicDomain", "by-nd"))
    assert [clip.glyph.file for clip in clipart.openclipart(tmp_path)] == ["free"]


@pytest.mark.parametrize(("fill", "ink"), [("#1a1a1a", True), ("#d04030", False), ("#ffffff", False)])
def test_ink_alone_is_dark(fill: str, ink: bool) -> None:
    assert clipart.is_ink(circle(fill)) is ink


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    circle("#1a1a1a").save(tmp_path / "x.png")
    glyph = Glyph(set="symbola", file="x", code=None, svg=None, bitmap=tmp_path / "x.png")
    clipart.write([clipart.Clip("cat", "free for any use", glyph)], tmp_path)
    read = clipart.load_clipart(tmp_path)
    assert read.rgba.shape == (1, 4, 128, 128)
    assert read.rgba[0, 3, 64, 64] == 255
    assert (read.records[0]["animal"], read.records[0]["ink_only"]) == ("cat", True)
    assert not read.records[0]["held_out"]


def test_without_clip_art_there_is_none(tmp_path: Path) -> None:
    assert len(clipart.load_clipart(tmp_path)) == 0
