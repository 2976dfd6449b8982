"""One picture, without a run folder of its own."""

import io
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from strikebox import files, store
from strikebox.generation.backend import Backend, Model
from strikebox.generation.cost import Cost
from strikebox.generation.plan import Cell, make_plan
from strikebox.generation.render import Progress, render
from strikebox.recipe import Recipe
from strikebox.store import CellRecord, Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture, how it came to be, and what it cost."""

    png: bytes  # the file, with recipe, seed and the hashes of model and LoRA inside
    recipe: Recipe
    subject: str
    seed: int
    prompts: tuple[str, ...]  # one a pass
    model: Model
    cost: Cost

    @property
    def image(self) -> Image.Image:
        """The picture as a PIL image."""
        return Image.open(io.BytesIO(self.png))

    def save(self, path: str | Path) -> Path:
        """Write the PNG to `path`, whole or not at all. Raises StoreError where it cannot be written."""
        files.write(Path(path), self.png)
        return Path(path)

    def _repr_png_(self) -> bytes:
        """How notebooks show it."""
        return self.png


def render_one(
    cell: Cell, backend: Backend, on_progress: Callable[[Progress], None]
) -> tuple[CellRecord, bytes]:
    """What is known of the picture of `cell`, and its PNG."""
    plan = make_plan([cell], backend.model)
    identity = Identity(design={"cell": cell.key}, model=asdict(backend.model), lora=None, settings={})
    with _scratch() as path, store.writing(path, identity, {}) as folder:
        (record,) = render(plan, backend, folder, batch_size=1, on_progress=on_progress)
        return record, folder.pictures.get(record.picture)


@contextmanager
def _scratch() -> Generator[Path]:
    """A folder for as long as one picture takes."""
    place = Path(tempfile.gettempdir())
    with files.plain_errors("create a folder in", place):
        folder = tempfile.TemporaryDirectory(prefix="strikebox-", dir=place)
    with folder:
        yield Path(folder.name)
