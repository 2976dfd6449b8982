"""One name for one subject, in English and Russian, whatever the sets call it.

The Unicode labels of `emojibase-data` are the common language: a set that carries hexcodes is looked up by
code, the others by their file names. What cannot be named well is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from animals import RUSSIAN, animal_of
from sets import Glyph, bare

_GENDERED = re.compile(r"^(man|woman|men|women)\b")
_KEPT_PEOPLE = {"man", "woman", "man dancing", "woman dancing", "man and woman holding hands"}
_GENDERED_SUBGROUPS = {24, 26, 27, 28, 29}
"""Gestures, fantasy, activity, sport, resting: the neutral person stays, man and woman of it go."""

_DROPPED_GROUPS = {2, 8, 9}
"""Components, symbols, flags."""

_DROPPED = re.compile(
    r"facing right|kiss:|couple with heart:|family:|o.clock|thirty$|^abstract \d|\bbutton\b|\d{3}"
    r"|^(middle finger|unknown|person: )|mahjong|^perspective|regional indicator|logic gate|^tarot"
    r"|corpse|blood|wound|gallows|guillotine|severed|hanged|hanging man|decapit|dismember|suicide|noose"
)

_FILE_DROPPED = {("game-icons", "butterfly"), ("game-icons", "crab"), ("game-icons", "pig-face")}
"""Drawings that do not show what their name says to anybody who has not been told."""

_FXEMOJI = {
    "bactriancamel": "camel", "dromedarycamel": "camel", "bunny": "rabbit", "bunnyside": "rabbit",
    "catside": "cat", "pandaface": "panda", "dogside": "dog", "tigerside": "tiger", "mouseside": "mouse", "pigside": "pig",
    "leopardside": "leopard", "dragonside": "dragon", "dragonhead": "dragon", "wolfface": "wolf",
    "foxgrin": "fox", "foxsmiling": "fox", "foxwry": "fox", "spurtingwhale": "whale", "ladybeetle": "ladybug",
    "waterbuffalo": "water buffalo", "doveofpeace": "dove", "hampster": "hamster", "babychick": "baby chick",
    "automobile": "car", "steamlocomotive": "locomotive", "housebuilding": "house", "sheep": "sheep",
    "housewithgarden": "house with garden", "christmastree": "christmas tree", "palmtree": "palm tree",
    "deciduoustree": "deciduous tree", "evergreen": "evergreen tree", "whitestar": "star", "redapple": "apple",
    "greenapple": "green apple", "chilipepper": "hot pepper", "earofmaize": "ear of corn",
    "soccerball": "soccer ball", "tennisball": "tennis", "redheart": "red heart", "jackolantern": "jack o lantern",
    "softicecream": "soft ice cream", "sliceofpizza": "pizza", "icecream": "ice cream", "lightbulb": "light bulb",
    "moviecamera": "movie camera", "policecar": "police car", "bouquetofflowers": "bouquet", "sunrays": "sun",
    "whitesun": "sun", "umbrellawithraindrops": "umbrella with rain drops", "parrot": "parrot",
    "crescentmoon": "crescent moon", "hotbeverage": "hot beverage", "birthdaycake": "birthday cake",
    "highspeedtrain": "high speed train", "graduationcap": "graduation cap", "tophat": "top hat",
}  # fmt: skip

_RENAMED = {
    "automobile": "car", "sport utility vehicle": "off road car", "eight oclock": "clock",
    "red apple": "apple", "tear off calendar": "calendar", "wrapped gift": "gift", "t rex": "dinosaur",
    "kitchen knife": "knife", "e mail": "email", "sheaf of rice": "rice plant", "deciduous tree": "tree",
    "evergreen tree": "fir tree",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Naming:
    """What a drawing shows. `ru` is None where no Russian name is known."""

    en: str
    ru: str | None
    animal: str | None


@dataclass(frozen=True, slots=True)
class _Label:
    en: str
    group: int | None
    subgroup: int | None


class Names:
    """The common language of the sets, read once from `emojibase-data`."""

    def __init__(self, packages: Path) -> None:
        folder = packages / "emojibase-data"
        self._labels = {bare(e["hexcode"]): _label(e) for e in _read(folder / "en" / "data.json")}
        self._codes = _codes_of_names(packages) | {clean(v.en): k for k, v in self._labels.items()}
        self._squeezed = {name.replace(" ", ""): code for name, code in self._codes.items()}
        self._russian = self._russian_names(folder)

    def _russian_names(self, folder: Path) -> dict[str, str]:
        names: dict[str, str] = {}
        for entry in _read(folder / "ru" / "data.json"):
            code, label = bare(entry["hexcode"]), str(entry["label"]).lower()
            if code in self._labels and ":" not in label:
                names.setdefault(_renamed(clean(self._labels[code].en)), label)
        return {**names, **RUSSIAN}

    def name(self, glyph: Glyph) -> Naming | None:
        """The name of a drawing, or None if it is to be left out."""
        if (glyph.set, glyph.file) in _FILE_DROPPED:
            return None
        label = self._labels.get(glyph.code or "") or self._labels.get(self._code(glyph) or "")
        if label is not None and not _wanted(label):
            return None
        name = self._plain(glyph, label)
        if name is None or _DROPPED.search(name):
            return None
        animal = animal_of(name)
        name = animal or name
        return Naming(name, self._russian.get(name), animal)

    def _code(self, glyph: Glyph) -> str | None:
        name = clean(re.sub(r"-\d$", "", glyph.file))
        if glyph.set == "game-icons":
            return None
        if glyph.set == "fxemoji":
            return self._squeezed.get(name.replace(" ", ""))
        return self._codes.get(name) or self._codes.get(name.removesuffix(" face"))

    def _plain(self, glyph: Glyph, label: _Label | None) -> str | None:
        if glyph.set == "fxemoji" and glyph.file in _FXEMOJI:
            return _renamed(_FXEMOJI[glyph.file])
        if label is not None:
            return _renamed(clean(label.en))
        return _renamed(clean(glyph.file)) if glyph.set == "game-icons" else None


def clean(name: str) -> str:
    """Lower case words and single spaces: "Jack-O-Lantern" becomes "jack o lantern"."""
    return " ".join(re.sub(r"[^\w]+", " ", name.lower().replace("’", "").replace("'", "")).split())


def _renamed(name: str) -> str:
    return _RENAMED.get(name, name)


def _wanted(label: _Label) -> bool:
    name = clean(label.en)
    if label.group in _DROPPED_GROUPS or _DROPPED.search(label.en.lower()):
        return False
    repeated = label.subgroup in _GENDERED_SUBGROUPS and _GENDERED.search(name)
    return not repeated or name in _KEPT_PEOPLE


def _codes_of_names(packages: Path) -> dict[str, str]:
    """Names that the iconify sets with hexcodes use, which older sets without hexcodes share."""
    codes: dict[str, str] = {}
    for path in sorted((packages / "@iconify-json").glob("*/chars.json")):
        for code, file in json.loads(path.read_text()).items():
            codes.setdefault(clean(file), bare(code))
    return codes


def _label(entry: Mapping[str, object]) -> _Label:
    return _Label(str(entry["label"]), entry.get("group"), entry.get("subgroup"))  # type: ignore[arg-type]


def _read(path: Path) -> list[dict[str, str]]:
    return json.loads(path.read_text())
