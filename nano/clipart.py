"""Renders drawings of the forty animals from further sources, which serve to train the judge alone.

    python nano/clipart.py [--icons build/icons/node_modules] [--out build/nano]

Writes `clipart.bin` and `clipart.json`, in the format of `drawings.bin` and `drawings.json`, each record with its
licence too; a source that is not there is left out. Every drawing was looked at: the tables below hold those that show
one whole animal or its head, without a scene.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from animals import NAMES, RUSSIAN
from drawings import Drawing, encode, render
from PIL import Image, ImageDraw, ImageFont
from sets import DrawingSet, Glyph, read
from world import SIDE, Drawings

DOMAIN = "http://web.resource.org/cc/PublicDomain"
"""The licence that a file of the Open Clip Art Library has to state."""

OPENCLIPART: Mapping[str, str] = {
    "bat": "animals/mammals/bat_orlando_karam_ animals/mammals/contour_bat",
    "bear": "animals/mammals/bears/bear_peterm_01 animals/mammals/bears/orso_architetto_francesc_01"
    " animals/mammals/bears/orso_architetto_francesc_02 animals/mammals/bears/orso_architetto_francesc_03"
    " animals/mammals/bears/orso_architetto_francesc_04 animals/mammals/bears/ours_etienne_bersac_r",
    "bee": "animals/bugs/abeille_tanguy_jacq_01 animals/bugs/bee animals/bugs/bee2_mimooh_01 animals/bugs/bee3_mimooh_01",
    "butterfly": "animals/bugs/butterfly_jonathan_dietr_01 animals/bugs/butterfly_jonvdveen_01"
    " animals/bugs/farfalla_butterfly_fra1 animals/bugs/farfalla_contorno_archit_01"
    " animals/bugs/farfalla_semplice_archit_01 animals/bugs/farfalla_stilizzata_arch_01",
    "camel": "animals/mammals/camel_head_01 animals/mammals/contour_camel unsorted/cammello",
    "cat": "animals/mammals/cartoon_cat_gerald_g._01 animals/mammals/housecats/gatto_cat_architetto_fra_01"
    " animals/mammals/housecats/gatto_cat_architetto_fra_02 animals/mammals/housecats/gatto_cat_architetto_fra_03"
    " animals/mammals/housecats/gatto_cat_architetto_fra_04 animals/mammals/housecats/kitten_gerald_g._01"
    " animals/mammals/housecats/sleeping_cat_ron_golan_01",
    "chicken": "animals/birds/hen_01",
    "cow": "animals/mammals/mhooo_peterm_ animals/mammals/vacca_pezzata_rossa_val_01 unsorted/mucca",
    "deer": "animals/mammals/deer_matt_todd_01 animals/mammals/fawn_mo_01",
    "dog": "animals/mammals/dog_01_drawn_with_strai_01 animals/mammals/dog_03_drawn_with_strai_01"
    " animals/mammals/dog_04_drawn_with_strai_01 animals/mammals/dog_05_drawn_with_strai_01"
    " animals/mammals/dog_06_drawn_with_strai_01 animals/mammals/dog_on_leash_gerald_g._01"
    " animals/mammals/dogs/beagle_copper_ganson animals/mammals/dogs/black_lab_ganson"
    " animals/mammals/dogs/bobi_architetto_francesc_01 animals/mammals/dogs/bored_dog_01"
    " animals/mammals/dogs/dog_head_nicu_buculei_01 animals/mammals/dogs/dog_head_nicu_buculei_02",
    "dolphin": "animals/mammals/dolphin animals/mammals/dolphin_enrique_meza_c_01"
    " animals/mammals/dolphin_enrique_meza_c_02",
    "duck": "recreation/toys/rubber_duck1_ganson unsorted/papera",
    "eagle": "animals/birds/acquila_architetto_franc_02 animals/birds/acquila_architetto_franc_03"
    " animals/birds/aquila_frontale_architet_01 animals/birds/eagle_01",
    "elephant": "animals/mammals/contour_elephant animals/mammals/elefante01_architetto_fr_01"
    " animals/mammals/elefante02_architetto_fr_01 unsorted/elefante_in_corsa",
    "fish": "animals/fish/altum_angelfish_01 animals/fish/arctic_greyling_ganson animals/fish/bofish_massimo_aiello_r"
    " animals/fish/brown_fish_01 animals/fish/clown_loach_01 animals/fish/giraffe_cichlid_01"
    " animals/fish/pescetto_arancione_archi_01 animals/fish/yellow_gourami_01",
    "fox": "animals/mammals/contour_fox",
    "frog": "animals/rana01_architetto_france_01 animals/rana02_architetto_france_01 animals/rana03_architetto_france_01"
    " animals/rana_architetto_francesc_01 animals/red-eye_frog_mirko_maisc_01",
    "horse": "animals/mammals/horses/cavallo_architetto_franc_01 animals/mammals/horses/cavallo_architetto_franc_02"
    " animals/mammals/horses/cavallo_architetto_franc_03 animals/mammals/horses/cavallo_architetto_franc_04"
    " animals/mammals/horses/cavallo_architetto_franc_05 animals/mammals/horses/cavallo_architetto_franc_06"
    " animals/mammals/horses/cavallo_architetto_franc_07",
    "ladybug": "animals/bugs/bug_nicu_buculei_01 animals/bugs/c_rollandin_francesco_ar_01"
    " animals/bugs/coccinella_architetto_fr_01 animals/bugs/coccinella_rollandin_arc_01"
    " animals/bugs/coccinelle_tanguy_jacq_01 animals/bugs/coccinellona_architetto__01 animals/bugs/ladybug_01"
    " animals/bugs/ladybug_02",
    "lion": "animals/mammals/big_cats/leone_01_architetto_fran_01 animals/mammals/big_cats/leone_02_architetto_fran_01"
    " animals/mammals/big_cats/leone_architetto_frances_01",
    "monkey": "animals/mammals/angry_monkey_benji_park_01 animals/mammals/happy_monkey_benji_park_01"
    " animals/mammals/monkey_head_nicu_buculei_01",
    "mouse": "animals/mammals/topo_architetto_francesc_01",
    "owl": "animals/birds/gufo_civetta_architetto__01 animals/birds/owl_on_branch_ganson",
    "penguin": "animals/birds/baby_tux_01 animals/birds/emperor_penguin_ralf_ste_01"
    " animals/birds/new_penguin_charles_mcco_01 animals/birds/penguin/plush_tux_anita_01"
    " animals/pinguino_col_piccolo_arc_01 animals/tux_head_fco._andrade_01",
    "pig": "animals/mammals/a_simple_pig_01 animals/mammals/porcinet_01 animals/mammals/squeek_peterm_",
    "rabbit": "animals/mammals/coniglio_architetto_fran_01 animals/mammals/skoynk_peterm_",
    "sheep": "animals/mammals/pecora_architetto_france_01 animals/mammals/shaezy_peterm_ animals/mammals/sheep-md-v0.1",
    "snail": "animals/bugs/lumaca_architetto_france_01 animals/bugs/lumaca_turbo_architetto__01",
    "spider": "animals/bugs/ragnetto_incazzato_archi_01 animals/bugs/spider",
    "tiger": "animals/mammals/big_cats/b_w_tiger_susan_park_01 animals/mammals/big_cats/color_tiger_susan_park_01"
    " animals/mammals/big_cats/tiger_graig_ryan_smith_-_01 animals/mammals/big_cats/tigre01_architetto_franc_01"
    " animals/mammals/big_cats/tigre02_architetto_franc_01 animals/mammals/big_cats/tigre03_architetto_franc_01"
    " animals/mammals/big_cats/tigre04_architetto_franc_01 animals/mammals/big_cats/tigre05_architetto_franc_01",
    "turtle": "animals/turtle_jurgen_gaeremyn_01",
    "whale": "animals/mammals/bluewhale-md",
    "wolf": "animals/mammals/simple_stylized_wolf_he_01 animals/mammals/stylized_wolf_head_geral_01",
}
"""Files of the Open Clip Art Library 0.18, as Debian packages it."""

SYMBOLA: Mapping[str, str] = {
    "bat": "1f987", "bear": "1f43b", "bee": "1f41d", "butterfly": "1f98b", "camel": "1f42a 1f42b", "cat": "1f408 1f431",
    "chicken": "1f414", "cow": "1f404 1f42e", "crab": "1f980", "crocodile": "1f40a", "deer": "1f98c",
    "dog": "1f415 1f436", "dolphin": "1f42c", "duck": "1f986", "eagle": "1f985", "elephant": "1f418",
    "fish": "1f41f 1f420", "fox": "1f98a", "frog": "1f438", "horse": "1f40e 1f434", "koala": "1f428", "ladybug": "1f41e",
    "lion": "1f981", "monkey": "1f412 1f435", "mouse": "1f401 1f42d", "octopus": "1f419", "owl": "1f989",
    "panda": "1f43c", "penguin": "1f427", "pig": "1f416 1f437", "rabbit": "1f407 1f430", "shark": "1f988",
    "sheep": "1f411", "snail": "1f40c", "snake": "1f40d", "spider": "1f577", "tiger": "1f405 1f42f", "turtle": "1f422",
    "whale": "1f40b 1f433", "wolf": "1f43a",
}  # fmt: skip
"""Characters of the typeface Symbola 2.60."""

ICONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "mdi": ("Apache-2.0", {
        "bat": "bat", "butterfly": "butterfly butterfly-outline", "cat": "cat", "cow": "cow",
        "dog": "dog dog-side", "dolphin": "dolphin", "duck": "duck", "elephant": "elephant", "fish": "fish",
        "horse": "horse horse-variant", "koala": "koala", "ladybug": "ladybug", "mouse": "rodent", "owl": "owl",
        "panda": "panda", "penguin": "penguin", "pig": "pig pig-variant pig-variant-outline",
        "rabbit": "rabbit rabbit-variant rabbit-variant-outline", "shark": "shark", "sheep": "sheep", "snail": "snail",
        "snake": "snake", "spider": "spider spider-outline", "turtle": "tortoise turtle",
    }),
    "icon-park": ("Apache-2.0", {
        "bat": "bat", "bear": "bear", "butterfly": "butterfly", "cat": "cat", "crab": "crab", "deer": "deer",
        "dog": "dog", "dolphin": "dolphin", "duck": "duck", "eagle": "eagle", "elephant": "elephant",
        "fish": "fish fish-one", "koala": "koala-bear", "monkey": "monkey", "owl": "owl", "panda": "panda",
        "pig": "pig", "rabbit": "rabbit", "whale": "whale",
    }),
    "healthicons": ("MIT", {
        "bat": "animal-bat animal-bat-outline", "chicken": "animal-chicken animal-chicken-outline",
        "cow": "animal-cow animal-cow-outline", "pig": "animal-pig animal-pig-outline",
        "snake": "animal-snake animal-snake-outline", "spider": "animal-spider animal-spider-outline",
    }),
    "hugeicons": ("MIT", {
        "camel": "camel", "cat": "cat", "crab": "crab", "fish": "fish", "horse": "horse horse-head",
        "octopus": "octopus", "panda": "panda", "rabbit": "rabbit", "turtle": "turtle",
    }),
    "lucide": ("ISC", {
        "cat": "cat", "dog": "dog", "fish": "fish", "panda": "panda", "rabbit": "rabbit", "snail": "snail",
        "turtle": "turtle",
    }),
    "mingcute": ("Apache-2.0", {
        "bear": "bear-fill bear-line", "cat": "cat-fill cat-line", "dog": "dog-fill dog-line",
        "fish": "fish-fill fish-line", "pig": "pig-fill pig-line", "rabbit": "rabbit-fill rabbit-line",
    }),
    "ph": ("MIT", {
        "butterfly": "butterfly butterfly-fill", "cat": "cat cat-fill", "cow": "cow cow-fill", "dog": "dog dog-fill",
        "fish": "fish fish-fill", "horse": "horse", "rabbit": "rabbit rabbit-fill",
    }),
    "tabler": ("MIT", {
        "bat": "bat", "butterfly": "butterfly", "cat": "cat", "deer": "deer", "dog": "dog", "fish": "fish",
        "horse": "horse", "pig": "pig", "spider": "spider spider-filled",
    }),
    "iconoir": ("MIT", {"fish": "fish", "wolf": "wolf wolf-solid"}),
    "material-symbols": ("Apache-2.0", {"owl": "owl owl-outline", "snail": "snail-outline"}),
    "fa6-solid": ("CC-BY-4.0", {
        "cat": "cat", "cow": "cow", "dog": "dog", "fish": "fish", "frog": "frog", "horse": "horse horse-head",
        "spider": "spider",
    }),
}  # fmt: skip
"""Icon sets, as npm packages of Iconify, each with its licence."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A drawing with its animal and its licence."""

    animal: str
    licence: str
    glyph: Glyph


def openclipart(folder: Path) -> Iterator[Clip]:
    """Those drawings of the library that state that they are in the public domain."""
    for animal, files in OPENCLIPART.items():
        for file in files.split():
            text = (folder / f"{file}.svg").read_text("utf-8", "replace")
            if DOMAIN in text:
                glyph = Glyph(set="openclipart", file=file, code=None, svg=document(text), bitmap=None)
                yield Clip(animal, "public domain", glyph)


def icons(packages: Path) -> Iterator[Clip]:
    """The icon sets that are installed."""
    for name, (licence, animals) in ICONS.items():
        package = f"@iconify-json/{name}"
        if not (packages / package).is_dir():
            continue
        known = DrawingSet(
            name=name, package=package, style="", style_ru="", author="", licence=licence, url="", coloured=False
        )  # fmt: skip
        glyphs = {glyph.file: glyph for glyph in read(known, packages)}
        for animal, files in animals.items():
            yield from (Clip(animal, licence, glyphs[file]) for file in files.split())


def symbola(typeface: Path, scratch: Path) -> Iterator[Clip]:
    """Characters of the typeface, each large on a sheet of its own in the folder `scratch`."""
    font = ImageFont.truetype(str(typeface), 300)
    for animal, codes in SYMBOLA.items():
        for code in codes.split():
            sheet = Image.new("RGBA", (700, 500))
            ImageDraw.Draw(sheet).text((100, 60), chr(int(code, 16)), font=font, fill="#1a1a1a")
            sheet.save(scratch / f"{code}.png")
            glyph = Glyph(set="symbola", file=code, code=code, svg=None, bitmap=scratch / f"{code}.png")
            yield Clip(animal, "free for any use", glyph)


def document(text: str) -> str:
    """An SVG document that a strict reader takes: namespaces declared, no metadata, a view box and no size."""
    text = re.sub(r"<metadata\b.*?</metadata>", "", text, flags=re.DOTALL)
    head = text[text.index("<svg") :].split(">", 1)[0]
    for name, space in _SPACES.items():
        ElementTree.register_namespace(name, space)
        attribute = f"xmlns:{name}" if name else "xmlns"
        if f"{attribute}=" not in head:
            text = text.replace("<svg", f'<svg {attribute}="{space}"', 1)
    root = ElementTree.fromstring(text[text.index("<") :])
    if "viewBox" not in root.attrib:
        width, height = (_pixels(root.get(side, "744")) for side in ("width", "height"))
        root.set("viewBox", f"0 0 {width} {height}")
    for side in ("width", "height", "x", "y"):
        root.attrib.pop(side, None)
    return ElementTree.tostring(root, encoding="unicode")


_SPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}

_UNITS = {"mm": 90 / 25.4, "cm": 90 / 2.54, "in": 90.0, "pt": 1.25, "pc": 15.0}
"""Pixels of a unit as editors of that time counted them, 90 to the inch."""


def _pixels(length: str) -> float:
    number = re.match(r"[\d.]+", length)
    return float(number.group()) * _UNITS.get(length[number.end() :].strip(), 1.0) if number else 744.0


def is_ink(picture: Image.Image) -> bool:
    """Is all that shows of a drawing dark, so that it has to turn white on a dark ground?"""
    pixels = np.asarray(picture)
    shown = pixels[pixels[..., 3] > 127]
    return bool((shown[:, :3].max(-1) < 80).mean() > 0.95)


def write(clips: Iterable[Clip], out: Path) -> list[dict[str, Any]]:
    """Renders into `clipart.bin` and `clipart.json`; the records also say whether a drawing is ink alone."""
    records, files, offset = [], [], 0
    for clip in clips:
        picture = render(clip.glyph)
        if picture is None:
            continue
        file = encode(picture)
        drawing = Drawing(
            set=clip.glyph.set, name=clip.animal, en=clip.animal, ru=RUSSIAN[clip.animal], animal=clip.animal,
            held_out=False, offset=offset, length=len(file), file=clip.glyph.file,
        )  # fmt: skip
        records.append({**asdict(drawing), "licence": clip.licence, "ink_only": is_ink(picture)})
        files.append(file)
        offset += len(file)
    (out / "clipart.bin").write_bytes(b"".join(files))
    (out / "clipart.json").write_text(json.dumps(records, ensure_ascii=False))
    return records


def load_clipart(data: Path) -> Drawings:
    """All of `data`/clipart.{bin,json}, or nothing where they were not made."""
    if not (data / "clipart.json").exists():
        return Drawings([], torch.zeros(0, 4, SIDE, SIDE, dtype=torch.uint8))
    records, blob = json.loads((data / "clipart.json").read_text()), (data / "clipart.bin").read_bytes()
    files = (io.BytesIO(blob[r["offset"] : r["offset"] + r["length"]]) for r in records)
    pictures = np.stack([np.asarray(Image.open(file).convert("RGBA")) for file in files])
    return Drawings(records, torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--openclipart", type=Path, default=Path("/usr/share/openclipart/svg"))
    parser.add_argument(
        "--symbola", type=Path, default=Path("/usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf")
    )
    parser.add_argument("--icons", type=Path, default=Path("build/icons/node_modules"))
    parser.add_argument("--out", type=Path, default=Path("build/nano"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        clips = list(icons(options.icons))
        clips += openclipart(options.openclipart) if options.openclipart.is_dir() else []
        clips += symbola(options.symbola, Path(scratch)) if options.symbola.exists() else []
        records = write(clips, options.out)
    animals = Counter(r["animal"] for r in records)
    print(Counter(r["set"] for r in records), {name: animals[name] for name in NAMES})
    print(len(records), "drawings")


if __name__ == "__main__":
    main()
