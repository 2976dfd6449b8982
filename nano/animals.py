"""The forty animals on which the judge and the base model are measured, and what each set calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sets import SETS


@dataclass(frozen=True, slots=True)
class Animal:
    """A subject with its names; an alias is a cleaned drawing name that shows the plain animal."""

    en: str
    ru: str
    aliases: tuple[str, ...] = ()


ANIMALS: tuple[Animal, ...] = (
    Animal("cat", "кошка", ("cat face", "hollow cat")),
    Animal("dog", "собака", ("dog face", "sitting dog")),
    Animal("fox", "лиса", ("fox face", "fox head")),
    Animal("bear", "медведь", ("bear face", "bear head")),
    Animal("owl", "сова", ("barn owl",)),
    Animal("rabbit", "кролик", ("rabbit face", "rabbit head")),
    Animal("horse", "лошадь", ("horse face", "horse head")),
    Animal("cow", "корова", ("cow face",)),
    Animal("pig", "свинья", ("pig face",)),
    Animal("sheep", "овца", ("ewe",)),
    Animal("chicken", "курица", ()),
    Animal("duck", "утка", ("plastic duck",)),
    Animal("fish", "рыба", ("tropical fish",)),
    Animal("frog", "лягушка", ("frog face",)),
    Animal("snail", "улитка", ()),
    Animal("turtle", "черепаха", ("sea turtle", "tortoise")),
    Animal("elephant", "слон", ("elephant head",)),
    Animal("tiger", "тигр", ("tiger face", "tiger head")),
    Animal("lion", "лев", ("lion face",)),
    Animal("monkey", "обезьяна", ("monkey face",)),
    Animal("penguin", "пингвин", ()),
    Animal("whale", "кит", ("spouting whale",)),
    Animal("butterfly", "бабочка", ("monarch butterfly",)),
    Animal("bee", "пчела", ("honeybee",)),
    Animal("ladybug", "божья коровка", ("lady beetle",)),
    Animal("mouse", "мышь", ("mouse face", "seated mouse")),
    Animal("wolf", "волк", ("wolf face", "wolf head")),
    Animal("panda", "панда", ("panda face",)),
    Animal("koala", "коала", ()),
    Animal("snake", "змея", ()),
    Animal("crocodile", "крокодил", ()),
    Animal("dolphin", "дельфин", ()),
    Animal("octopus", "осьминог", ()),
    Animal("crab", "краб", ()),
    Animal("shark", "акула", ()),
    Animal("eagle", "орёл", ("eagle head",)),
    Animal("camel", "верблюд", ("two hump camel", "camel head")),
    Animal("spider", "паук", ("hanging spider", "spider alt")),
    Animal("deer", "олень", ("deer head",)),
    Animal("bat", "летучая мышь", ()),
)

NAMES: tuple[str, ...] = tuple(animal.en for animal in ANIMALS)
RUSSIAN: Mapping[str, str] = {animal.en: animal.ru for animal in ANIMALS}

_CANONICAL = {alias: animal.en for animal in ANIMALS for alias in (animal.en, *animal.aliases)}


def animal_of(name: str) -> str | None:
    """The animal that a cleaned drawing name plainly shows, or None: "polar bear" is not a "bear"."""
    return _CANONICAL.get(name)


def table(drawings: Iterable[tuple[str, str | None]]) -> str:
    """Counts of (set, animal) pairs as an aligned text table, animals down and sets across."""
    counts = Counter(drawings)
    rows = [f"{'':10}" + "".join(f"{s.style:>11}" for s in SETS) + f"{'all':>7}"]
    for name in NAMES:
        cells = [counts[s.name, name] for s in SETS]
        rows.append(f"{name:10}" + "".join(f"{c or '·':>11}" for c in cells) + f"{sum(cells):>7}")
    return "\n".join(rows)
