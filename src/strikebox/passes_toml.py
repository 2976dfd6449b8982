"""Passes as TOML tables, in and out."""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar, cast, get_args

from strikebox.errors import RecipeError
from strikebox.passes import (
    KINDS,
    Edit,
    Handoff,
    ImageToImage,
    Keep,
    LoraUse,
    Pass,
    Sigma,
    Strength,
    TextToImage,
    Through,
)

T = TypeVar("T")


@contextmanager
def at(place: str) -> Generator[None, None, None]:
    """Puts `place` before the message of any RecipeError that the block raises."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(f"{place}: {error}") from None


class Table:
    """A TOML table, read key by key; `close` refuses what nobody asked for. Raises RecipeError."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._left: Final = dict(values)
        self._known: Final[list[str]] = []

    def text(self, key: str) -> str:
        return required(key, self.optional_text(key))

    def optional_text(self, key: str) -> str | None:
        value = self.take(key)
        if value is not None and not isinstance(value, str):
            raise _wrong(key, value, "text in quotes")
        return value

    def number(self, key: str) -> float:
        return required(key, self.optional_number(key))

    def optional_number(self, key: str) -> float | None:
        value = self.take(key)
        return None if value is None else as_number(key, value)

    def whole(self, key: str) -> int:
        return required(key, self.optional_whole(key))

    def optional_whole(self, key: str) -> int | None:
        value = self.take(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise _wrong(key, value, "a whole number")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        value = self.optional_text(key)
        if value is None:
            return default
        if value not in choices:
            raise RecipeError(f"{key}: is {value!r}; it is one of {', '.join(choices)}")
        return value

    def table(self, key: str) -> "Table | None":
        value = self.take(key)
        return None if value is None else Table(as_table(key, value))

    def take(self, key: str) -> object:
        """The value as it stands; None where there is none."""
        self._known.append(key)
        return self._left.pop(key, None)

    def rest(self) -> list[tuple[str, object]]:
        """Everything not asked for by name."""
        rest = list(self._left.items())
        self._left.clear()
        return rest

    def close(self) -> None:
        """Refuses keys that nobody asked for."""
        if self._left:
            raise RecipeError(f"{min(self._left)}: is no key here; the keys are {', '.join(self._known)}")


def required(key: str, value: T | None) -> T:
    """`value`, which must be there."""
    if value is None:
        raise RecipeError(f"{key}: is missing; add it")
    return value


def as_number(key: str, value: object) -> float:
    """A TOML number, whole or not, as a float; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(key, value, "a number")
    try:
        return float(value)
    except OverflowError:
        raise RecipeError(f"{key}: is too large a number") from None


def as_table(key: str, value: object) -> Mapping[str, object]:
    """A TOML table."""
    if not isinstance(value, dict):
        raise _wrong(key, value, "a table")
    return cast(Mapping[str, object], value)


def read_pass(values: object) -> Pass:
    """The pass that a `[[pass]]` table describes. Raises RecipeError that begins with the key at fault."""
    table = Table(as_table("pass", values))
    kind = table.choice("kind", list(KINDS.values()), "")
    required("kind", kind or None)
    prompt, steps, guidance = table.text("prompt"), table.whole("steps"), table.number("guidance")
    lora, size = _read_lora(table.table("lora")), table.optional_number("size")
    size, guided = 1.0 if size is None else size, _interval("guidance_sigma", table.take("guidance_sigma"))
    if kind == KINDS[ImageToImage]:
        handoff, start = _read_handoff(table.table("handoff")), _read_start(table)
        return ImageToImage(
            prompt=prompt,
            steps=steps,
            guidance=guidance,
            lora=lora,
            size=size,
            guidance_sigma=guided,
            start=start,
            handoff=handoff,
        )
    table.close()
    make = Edit if kind == KINDS[Edit] else TextToImage
    return make(prompt=prompt, steps=steps, guidance=guidance, lora=lora, size=size, guidance_sigma=guided)


def write_pass(pass_: Pass) -> str:
    """The `[[pass]]` table of a pass; what is as it is by default is left out."""
    lines = ["[[pass]]", f"kind = {quoted(KINDS[type(pass_)])}", f"prompt = {quoted(pass_.prompt)}"]
    lines += [f"steps = {pass_.steps}", f"guidance = {float(pass_.guidance)!r}"]
    if pass_.guidance_sigma != (0, 1):
        lines.append(f"guidance_sigma = {_interval_text(pass_.guidance_sigma)}")
    if pass_.size != 1:
        lines.append(f"size = {float(pass_.size)!r}")
    if pass_.lora is not None:
        lines.append(f"lora = {_inline(_lora_items(pass_.lora))}")
    match pass_:
        case ImageToImage(start=start, handoff=handoff):
            key = "strength" if isinstance(start, Strength) else "sigma"
            lines.append(f"{key} = {float(start.value)!r}")
            if handoff != Handoff():
                lines.append(f"handoff = {_inline(_handoff_items(handoff))}")
        case TextToImage() | Edit():
            pass
    return "\n".join(lines) + "\n"


def _read_lora(table: Table | None) -> LoraUse | None:
    if table is None:
        return None
    with at("lora"):
        scale, sigma, blocks = table.number("scale"), table.take("sigma"), table.table("blocks")
        rank = table.optional_whole("rank")
        table.close()
        factors = [] if blocks is None else blocks.rest()
        pairs = tuple((name, as_number(f"blocks: {name}", factor)) for name, factor in factors)
        return LoraUse(scale=scale, sigma=_interval("sigma", sigma), blocks=pairs, rank=rank)


def _interval(key: str, value: object) -> tuple[float, float]:
    if value is None:
        return (0.0, 1.0)
    ends = cast(list[object], value) if isinstance(value, list) else []
    if len(ends) != 2:
        raise RecipeError(f"{key}: is {value!r}; it is [low, high]")
    return as_number(key, ends[0]), as_number(key, ends[1])


def _interval_text(interval: tuple[float, float]) -> str:
    return f"[{float(interval[0])!r}, {float(interval[1])!r}]"


def _read_start(table: Table) -> Strength | Sigma:
    strength, sigma = table.optional_number("strength"), table.optional_number("sigma")
    table.close()  # before a start is missed, so that a misspelt one is named
    if strength is not None and sigma is not None:
        raise RecipeError("sigma: stands beside strength; keep one of the two")
    if sigma is not None:
        return Sigma(sigma)
    if strength is None:
        raise RecipeError("sigma: is missing; an image-to-image pass starts at a sigma, or at a strength")
    return Strength(strength)


def _read_handoff(table: Table | None) -> Handoff:
    if table is None:
        return Handoff()
    with at("handoff"):
        through = table.choice("through", get_args(Through), "latents")
        keep = table.choice("keep", get_args(Keep), "whole")
        cutoff = table.optional_number("cutoff")
        table.close()
        return Handoff(through=cast(Through, through), keep=cast(Keep, keep), cutoff=cutoff)


def _lora_items(lora: LoraUse) -> Iterator[tuple[str, str]]:
    yield "scale", repr(float(lora.scale))
    if lora.sigma != (0, 1):
        yield "sigma", _interval_text(lora.sigma)
    if lora.blocks:
        yield "blocks", _inline((quoted(name), repr(float(factor))) for name, factor in lora.blocks)
    if lora.rank is not None:
        yield "rank", str(lora.rank)


def _handoff_items(handoff: Handoff) -> Iterator[tuple[str, str]]:
    yield "through", quoted(handoff.through)
    yield "keep", quoted(handoff.keep)
    if handoff.cutoff is not None:
        yield "cutoff", repr(float(handoff.cutoff))


def _inline(items: Iterable[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in items) + " }"


def quoted(text: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's, but for DEL, which JSON leaves bare."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _wrong(key: str, value: object, wanted: str) -> RecipeError:
    return RecipeError(f"{key}: is {value!r}; it is {wanted}")
