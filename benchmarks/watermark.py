"""What the invisible mark costs and what it survives: the table of docs/provenance.md.

python benchmarks/watermark.py
"""

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFilter

from strikebox import api
from strikebox.generation.backend import Pixels
from strikebox.site import watermark

NUMBER = watermark.number_of("benchmark")
SIDES = {128: 1, 256: 1, 1024: 6}  # px: every so many-th picture
Change = Callable[[Pixels], Pixels]


def main() -> None:
    """Rows: changes. Columns: sides. Cells: share read, bit error rate before correction."""
    found = {side: list(pictures(side, every)) for side, every in SIDES.items()}
    marked = {side: [watermark.embed(one, NUMBER) for one in some] for side, some in found.items()}
    for side, some in found.items():
        ratios = [psnr(one, other) for one, other in zip(some, marked[side], strict=True)]
        print(
            f"{side} px: {len(some)} pictures, PSNR mean {np.mean(ratios):.1f} dB, least {min(ratios):.1f} dB"
        )
    for name, change in CHANGES.items():
        cells = (cell([change(one) for one in marked[side]], side) for side in SIDES)
        print(f"| {name} | {' | '.join(cells)} |")
    unmarked = [one for some in found.values() for one in some]
    print(f"unmarked: {sum(watermark.read(one) is not None for one in unmarked)} of {len(unmarked)} read")


def pictures(side: int, every: int) -> Iterator[Pixels]:
    """Held-out labels, and drawings in other styles, enlarged smoothly."""
    folders = (api.embedded("labels/held-out"), api.embedded("distractors"))
    paths = [path for folder in folders for path in sorted(folder.rglob("*.png"))]
    for path in paths[::every]:
        yield resized(np.asarray(Image.open(path).convert("RGB")), side)


def cell(changed: list[Pixels], side: int) -> str:
    """Share of pictures whose mark is read, and share of bits that lean the wrong way."""
    step = next(step for least, step in watermark._STEPS if side >= least)
    bits = watermark._bits(NUMBER)
    wrong: list[float] = []
    for one in changed:
        leaning = 2 * np.abs((watermark._sums(one) / step - watermark._DITHER + 0.5) % 1 - 0.5)
        wrong.append(float(((leaning > 0.5) != bits).mean()))
    read = [mark is not None and mark.number == NUMBER for mark in map(watermark.read, changed)]
    return f"{np.mean(read):.0%}, {np.mean(wrong):.1%}"


def resized(pixels: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


def scaled(by: float) -> Change:
    def change(pixels: Pixels) -> Pixels:
        size = (round(by * pixels.shape[1]), round(by * pixels.shape[0]))
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))

    return change


def saved(kind: str, quality: int) -> Change:
    def change(pixels: Pixels) -> Pixels:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind, quality=quality)
        return np.asarray(Image.open(buffer).convert("RGB"))

    return change


def brighter(gain: float, more: float) -> Change:
    return lambda pixels: np.clip((pixels - 128.0) * gain + 128 + more, 0, 255).astype(np.uint8)


def cropped(share: float) -> Change:
    def change(pixels: Pixels) -> Pixels:
        cut = max(1, round(share / 2 * len(pixels)))
        return np.ascontiguousarray(pixels[cut:-cut, cut:-cut])

    return change


def blurred(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.7)))


def psnr(some: Pixels, other: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((some.astype(float) - other) ** 2)))


CHANGES: dict[str, Change] = {
    "nothing": lambda pixels: pixels,
    "JPEG, quality 75": saved("JPEG", 75),
    "JPEG, quality 50": saved("JPEG", 50),
    "WebP, quality 75": saved("WEBP", 75),
    "half the side": scaled(0.5),
    "three quarters of the side": scaled(0.75),
    "three halves of the side": scaled(1.5),
    "twice the side": scaled(2),
    "three quarters, then JPEG 75": lambda pixels: saved("JPEG", 75)(scaled(0.75)(pixels)),
    "blurred by 0.7 px": blurred,
    "brighter by 8 of 255": brighter(1, 8),
    "contrast x 1.1": brighter(1.1, 0),
    "cropped by 1%": cropped(0.01),
    "cropped by 5%": cropped(0.05),
}

if __name__ == "__main__":
    main()
