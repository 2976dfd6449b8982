"""Extractors and readers by name. A module is imported when one of its kind is asked for, and not before."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from strikebox.errors import ExtractorError
from strikebox.metrics.features import Extractor, Reader

EXTRACTORS: Mapping[str, str] = {
    "palette": "palette.Palette",
    "print-texture": "print_texture.PrintTexture",
    "composition": "composition.Composition",
    "tones": "composition.Tones",
    "noise": "noise.Noise",
    "lettering": "lettering.Lettering",
    "thumbnail": "thumbnail.Thumbnail",
    "efficientnet": "efficientnet.EfficientNet",
    "sscd": "sscd.Sscd",
    "judge": "judge.ClipJudge",
    "vision": "vision.Vision",
}
READERS: Mapping[str, str] = {"tesseract": "tesseract.Tesseract"}


def extractor(name: str, **options: Any) -> Extractor:
    """The extractor called `name`, made with `options`, which its class explains.

    Raises ExtractorError where there is none of that name, or where what it needs is missing.
    """
    return _made("extractor", EXTRACTORS, name, options)


def reader(name: str, **options: Any) -> Reader:
    """The reader called `name`, as `extractor` does."""
    return _made("reader", READERS, name, options)


def _made(what: str, known: Mapping[str, str], name: str, options: Mapping[str, Any]) -> Any:
    if name not in known:
        raise ExtractorError(f"there is no {what} {name}; there are {', '.join(known)}")
    module, kind = known[name].split(".")
    return getattr(import_module(f"strikebox.extractors.{module}"), kind)(**options)
