"""What a blueprint says, in English; whoever draws it in another language brings its own words by these keys.

A phrase may count: `n` chooses between `one` and `other`.
"""

from collections.abc import Mapping
from typing import Protocol, cast

Phrase = str | Mapping[str, str]


class Say(Protocol):
    """Words by their key in `ENGLISH`, with their {names} filled in."""

    def __call__(self, key: str, **values: object) -> str: ...


ENGLISH: Mapping[str, Phrase] = {
    "blueprint": "Blueprint of {title}",
    "arm": "ARM {arm}",
    "recipe": "RECIPE",
    "control-of": "CONTROL OF {name}",
    "pass": "pass {number}, {kind}",
    "text-to-image": "text-to-image",
    "image-to-image": "image-to-image",
    "edit": "edit",
    "noise": "noise, sigma 1",
    "picture": "picture, 0",
    "size": "{width} \N{MULTIPLICATION SIGN} {height} px on {model}",
    "total": "{width} x {height} px, {forwards}, {flops}",
    "steps": {"one": "{n} step", "other": "{n} steps"},
    "forwards": {"one": "{n} forward", "other": "{n} forwards"},
    "steps-alone": {"one": "step", "other": "steps"},
    "forwards-alone": {"one": "forward", "other": "forwards"},
    "not-run": "not run",
    # the LoRA
    "no-lora": "no LoRA",
    "lora": "LoRA at {scale!r}{rank}{where}{blocks}",
    "lora-rank": " cut to rank {rank}",
    "lora-throughout": " throughout",
    "lora-between": " sigma {low:g} to {high:g}, {some} of {n} steps",
    "lora-above": " above sigma {low:g}, {some} of {n} steps",
    "lora-block": ", {name} at {factor:g}",
    # how a pass takes over from the one before
    "looks-at": "looks at picture {number}",
    "reference-tokens": {
        "one": "{n:,} reference token, free of noise",
        "other": "{n:,} reference tokens, free of noise",
    },
    "start": "start sigma {sigma:.3f} (strength {strength:.2f})",
    "whole-latents": "whole latents",
    "whole-pixels": "whole picture",
    "low-pass-latents": "latents up to {cutoff:g} cycles",
    "low-pass-pixels": "picture up to {cutoff:g} cycles",
    "mean-latents": "mean of the latents",
    "mean-pixels": "mean of the picture",
    "phase-scrambled-latents": "phase-scrambled latents",
    "phase-scrambled-pixels": "phase-scrambled picture",
    "amplitude": "{kept}, at {share:.1%} amplitude",
    "nothing": "nothing is handed over",
    "not-measured": "what survives: not measured here",
    "none-survive": "0 of {modes:,} modes survive",
    "survive": "{some:,} of {modes:,} modes survive, {reach}",
    "means-alone": "means alone",
    "up-to-cycles": "up to {cycles:.3g} cycles",
    "bits": "at most {bits} bits cross",
    "naming": "naming 1 of {images:,} training images takes {bits}",
    "pass-not-run": "pass {number} is not run",
    "pass-cannot-matter": "pass {number} cannot matter",
    "pass-cannot-shape-the-picture": "pass {number} cannot shape the picture",
    "pass-may-matter": "pass {number} may matter",
    "pass-can-matter": "pass {number} can matter",
}


def english(key: str, **values: object) -> str:
    """The English phrase. Raises KeyError where there is none, or a value is missing."""
    phrase = ENGLISH[key]
    if not isinstance(phrase, str):
        phrase = phrase["one" if cast(int, values["n"]) == 1 else "other"]
    return phrase.format(**values)
