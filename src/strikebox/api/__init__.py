"""What the command line and Python share: which weights, which recipe, which folder.

torch is loaded when weights are, and not before.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files as package_files
from pathlib import Path
from typing import Literal

from strikebox import recipe as recipes
from strikebox.api import spread
from strikebox.api.picture import Picture, render_one
from strikebox.api.spread import Cluster
from strikebox.cluster import ablate as spreading
from strikebox.errors import ModelError
from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Backend, Model, Size
from strikebox.generation.cost import Cost
from strikebox.generation.plan import make_cell
from strikebox.generation.render import Progress
from strikebox.klein import description
from strikebox.klein.speed import tiers
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.tiers import Speed
from strikebox.lab import design as designs
from strikebox.lab import report, run
from strikebox.lab.design import Design
from strikebox.lab.run import Run
from strikebox.lora import header
from strikebox.recipe import Recipe

__all__ = [
    "Cluster",
    "Picture",
    "ablate",
    "describe_model",
    "generate",
    "load_backend",
    "load_design",
    "load_recipe",
    "lora_file",
    "open_run",
    "write_report",
]

ModelName = str | Path | None  # a diffusers directory, a hub id, or None: the embedded klein-nano
LoraName = (
    str | Path | Literal[False] | None
)  # a file, False or "none": without, None: the embedded model's own

load_recipe = recipes.load
load_design = designs.load
open_run = Run.open
write_report = report.write


def generate(
    subject: str,
    recipe: str | Path | Recipe = "sandwich",
    seed: int = 1,
    *,
    style: str | None = None,
    other: str | None = None,
    size: int | Size | None = None,
    model: ModelName = None,
    lora: LoraName = None,
    device: str = "auto",
    dtype: str = "auto",
    speed: Speed = "exact",
    backend: Backend | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Picture:
    """Make one picture of `subject` by a recipe (name, TOML file or Recipe).

    `style` stands for {style}: the LoRA's trigger words, as its file names them, unless given. `size` is in
    pixels, a side or a Size; the model's own unless given. A `backend` takes the place of `model`, `lora`,
    `device`, `dtype` and `speed`; load it once for many pictures. Raises StrikeboxError.
    """
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    subject = recipes.check_subject(subject)  # before the weights are loaded, which takes seconds
    style = style or (style_of(model, lora) if "style" in chosen.needs else None)
    backend = backend or load_backend(model, lora, device=device, dtype=dtype, speed=speed, many=False)
    side = Size(height=size, width=size) if isinstance(size, int) else size
    cell = make_cell(chosen, subject, seed, backend.model, style=style, other=other, size=side)
    record, png = render_one(cell, backend, on_progress)
    return Picture(
        png=png,
        recipe=chosen,
        subject=subject,
        seed=seed,
        prompts=cell.prompts,
        model=backend.model,
        cost=Cost(forwards=record.forwards, flops=record.flops, seconds=record.seconds),
    )


def ablate(
    design: str | Path | Design = "seed",
    out: str | Path | None = None,
    *,
    model: ModelName = None,
    lora: LoraName = None,
    device: str = "auto",
    dtype: str = "auto",
    speed: Speed = "exact",
    batch_size: int = 8,
    backend: Backend | None = None,
    settings: Mapping[str, object] | None = None,
    spectrum: LatentSpectrum | None = None,
    cluster: Cluster | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """Make the pictures of a design (name, TOML file or Design) in the folder `out`, or runs/<its name>.

    Pictures that the folder holds already are not made again. A `backend` takes the place of `model`, `lora`,
    `device`, `dtype` and `speed`; `settings` then say what else changes the pictures, and `spectrum` is that
    of its latents. On a `cluster` each actor loads the weights; there is no `backend` then. Raises
    StrikeboxError.
    """
    chosen = design if isinstance(design, Design) else load_design(design)
    folder = default_out(chosen) if out is None else Path(out)
    if cluster is not None:
        weights = spread.Weights(model, lora, device, dtype, speed, chosen.size)
        with spread.opened(cluster, weights) as pool:
            return spreading.ablate(chosen, folder, pool, batch_size=batch_size, on_progress=on_progress)
    if backend is None:
        backend = load_backend(model, lora, device=device, dtype=dtype, speed=speed)
        settings = {"dtype": precision(device, dtype)}
        spectrum = latent_spectrum(model, chosen.size)
    return run.ablate(
        chosen,
        backend,
        folder,
        settings=settings,
        spectrum=spectrum,
        batch_size=batch_size,
        on_progress=on_progress,
    )


def load_backend(
    model: ModelName = None,
    lora: LoraName = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    threads: int | None = None,
    speed: Speed = "exact",
    many: bool = True,
) -> Backend:
    """A model and its LoRA, ready to make pictures. `threads` of the processor; torch's choice unless given.

    What a `speed` other than "exact" makes bears another hash of the model. `many`: whether so many pictures
    follow that compiling for them pays.

    Raises ModelError, LoraError or DeviceError.
    """
    options = Options(speed=tiers.parse(speed), many=many)
    adapter = lora_file(model, lora)
    if adapter is not None:
        header.read(adapter)  # what is wrong with the file is known before torch is loaded
    place = model_place(model)
    import torch

    from strikebox.klein.backend import KleinBackend

    if threads is not None:
        torch.set_num_threads(threads)
    return KleinBackend.load(place, adapter, device=device, dtype=dtype, options=options)


def precision(device: str, dtype: str) -> str:
    """The precision that `dtype` stands for on `device`. Raises DeviceError."""
    from strikebox.klein.device import pick_device, pick_dtype

    return str(pick_dtype(dtype, pick_device(device))).removeprefix("torch.")


def describe_model(model: ModelName = None) -> Model:
    """Name, size and architecture of a model, without its weights. Raises ModelError.

    torch is loaded only where `model` is a hub id that must be looked up.
    """
    place = Path(model_place(model)).expanduser()
    if place.is_dir() or place.exists():
        return description.describe(place)
    from strikebox.klein.weights import locate

    return description.describe(locate(model_place(model)))


def latent_spectrum(model: ModelName = None, size: Size | None = None) -> LatentSpectrum | None:
    """How the model's latents spread over frequencies; None where nobody measured it at `size`."""
    place = Path(model_place(model)).expanduser()
    if not place.is_dir() or (size is not None and size != description.describe(place).size):
        return None
    return description.spectrum(place)


def model_place(model: ModelName) -> str | Path:
    """`model`, or the folder of the embedded one. Raises ModelError where that is not installed."""
    if model is not None:
        return model
    place = embedded("klein-nano")
    if not place.is_dir():
        raise ModelError(
            f"the embedded model is missing from {place}; install Strikebox again, or give --model"
        )
    return place


def lora_file(model: ModelName, lora: LoraName) -> Path | None:
    """The LoRA's file; None where there is to be none. The embedded one fits the embedded model alone."""
    if lora is False or lora == "none":
        return None
    if lora is not None:
        return Path(lora).expanduser()
    return embedded("lora/pytorch_lora_weights.safetensors") if model is None else None


def style_of(model: ModelName, lora: LoraName) -> str | None:
    """Trigger words of the LoRA, where its file names them."""
    adapter = lora_file(model, lora)
    return None if adapter is None else ", ".join(header.read(adapter).trigger_words) or None


def default_out(design: Design) -> Path:
    """The folder of a design's run unless another is given."""
    return Path("runs") / design.name


def embedded(name: str) -> Path:
    return Path(str(package_files("strikebox"))) / "embedded" / name
