"""`strikebox checklist`."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.lab.checklist import Checklist, Evidence
    from strikebox.lab.dataset import Dataset
    from strikebox.lab.features import FeatureStore

STOP = 3  # exit code
EMBEDDED = "embedded"

Watch = Callable[[str], Callable[[int, int], None]]  # what is being done -> how far it is


def checklist(
    lora: Annotated[str, typer.Argument(help="LoRA as a .safetensors file, or embedded.")],
    dataset: Annotated[str, typer.Argument(help="Folder of the pictures it was trained on, or embedded.")],
    held_out: Annotated[
        str | None, typer.Option(help="Folder of pictures of the same style that it never saw, or embedded.")
    ] = None,
    design: Annotated[
        str, typer.Option(help="The design to be run: a shipped one, or a .toml file.")
    ] = "seed",
    style: Annotated[
        str | None, typer.Option(help="The LoRA's trigger words. Default: as its file names them.")
    ] = None,
    model: options.Model = None,
    features: Annotated[str, typer.Option(help="Extractor that the style's variety is measured by.")] = (
        "efficientnet"
    ),
    language: Annotated[str, typer.Option(help="Tesseract's name of the lettering's language.")] = "rus",
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps what was seen. Default: ~/.cache/strikebox.")
    ] = None,
    json: options.Json = False,
) -> None:
    """What to know of LORA and its training set DATASET before an ablation: go, look or stop, with reasons.

    Exits with 3 where a row says stop.
    """
    from strikebox import api
    from strikebox.lab import checklist as checklists
    from strikebox.lab import dataset as datasets
    from strikebox.lab.features import FeatureStore
    from strikebox.lora import header

    file = _file(lora)
    found, described, planned = header.read(file), api.describe_model(model), api.load_design(design)
    with _watching(quiet=json) as watch:
        training = datasets.read(_folder(dataset, "train"), watch("training pictures"))
        held = None
        if held_out is not None:
            held = datasets.read(_folder(held_out, "held-out"), watch("held-out pictures"))
        look = _Look(FeatureStore(cache or default_cache()), watch)
        seen, no_features = look.features(training, features)
        read, no_readings = look.readings(training, language)
        evidence = checklists.Evidence(
            header=found,
            parameters=checklists.count_parameters(file),
            model=described,
            design=planned,
            trigger=style or api.style_of(None if lora == EMBEDDED else model, file),
            training=training,
            prints=look.prints(training),
            held_out=held,
            held_out_prints=None if held is None else look.prints(held),
            features=seen,
            readings=read,
            spectrum=api.latent_spectrum(model, planned.size),
            no_features=no_features,
            no_readings=no_readings,
        )
    _finish(evidence, checklists.check(evidence), json)


def _finish(evidence: "Evidence", done: "Checklist", json: bool) -> None:
    from strikebox.cli import console

    if json:
        console.print_json(_facts(evidence, done))
    else:
        _tell(evidence, done)
    if done.verdict == "stop":
        raise typer.Exit(STOP)


def default_cache() -> Path:
    """Where what was seen of pictures is kept unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strikebox"


def _file(lora: str) -> Path:
    from strikebox import api
    from strikebox.errors import LoraError

    file = api.lora_file(None, None if lora == EMBEDDED else lora)
    if file is None:
        raise LoraError(f"{lora} is no LoRA; give a .safetensors file, or {EMBEDDED}")
    return file


def _folder(name: str, part: str) -> Path:
    from strikebox import api

    return api.embedded(f"labels/{part}") if name == EMBEDDED else Path(name).expanduser()


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at the pictures of datasets, each once; what is not installed is None with the reason."""

    store: "FeatureStore"
    watch: Watch

    def prints(self, dataset: "Dataset") -> Any:
        from strikebox.lab.near_duplicates import Thumbprints

        return self._stacked(dataset, Thumbprints())

    def features(self, dataset: "Dataset", name: str) -> tuple[Any, str | None]:
        from strikebox.errors import ExtractorError
        from strikebox.extractors import registry

        try:
            found = self._stacked(dataset, registry.extractor(name))
            # Copy descriptors see parts and mirror images too, which add nothing to the variety of pictures.
            return found[:, 0, 0] if found.ndim == 4 else found, None
        except ExtractorError as error:
            return None, str(error)

    def readings(self, dataset: "Dataset", language: str) -> tuple[Any, str | None]:
        from strikebox.extractors.tesseract import Tesseract, available

        if reason := available(language):
            return None, reason
        pictures = {p.sha256: p.pixels for p in dataset.pictures}
        found = self.store.readings(Tesseract(language), pictures, self.watch("pictures read by tesseract"))
        return [found[p.sha256] for p in dataset.pictures], None

    def _stacked(self, dataset: "Dataset", extractor: Any) -> Any:
        import numpy as np

        pictures = {p.sha256: p.pixels for p in dataset.pictures}
        found = self.store.features(extractor, pictures, self.watch(f"pictures seen by {extractor.name}"))
        return np.stack([found[p.sha256] for p in dataset.pictures])


@contextmanager
def _watching(quiet: bool) -> Generator[Watch]:
    """Bars on stderr, one for each thing that is done; none where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bars:

        def watch(what: str) -> Callable[[int, int], None]:
            task = bars.add_task(what, total=None)
            return lambda done, of: bars.update(task, completed=done, total=of)

        yield watch


def _facts(evidence: "Evidence", done: "Checklist") -> dict[str, object]:
    held = evidence.held_out
    return {
        "lora": {"name": evidence.header.name, "hash": evidence.header.hash},
        "dataset": str(evidence.training.path),
        "held_out": None if held is None else str(held.path),
        "model": evidence.model.name,
        "design": evidence.design.name,
        **done.facts(),
        "problems": list(evidence.training.problems),
        "held_out_problems": [] if held is None else list(held.problems),
    }


def _tell(evidence: "Evidence", done: "Checklist") -> None:
    from textwrap import fill

    for dataset in filter(None, (evidence.training, evidence.held_out)):
        for problem in dataset.problems:
            print(f"{dataset.path}: {problem}", file=sys.stderr)
    for row in done.rows:
        print(f"{row.verdict:4}  {row.title}: {row.figure}")
        print(fill(row.reason, 100, initial_indent=" " * 6, subsequent_indent=" " * 6))
    looks = sum(row.verdict == "look" for row in done.rows)
    if done.stops:
        print(f"\nstop: mend first: {', '.join(row.title for row in done.stops)}")
    else:
        print(f"\ngo, knowing {looks} of {len(done.rows)} rows" if looks else "\ngo")
