"""The end of a job: files first, then one transaction that publishes, finishes and settles, or none of it."""

import io
import logging
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from PIL import Image, PngImagePlugin

from strikebox import png
from strikebox import recipe as recipes
from strikebox.errors import MissingPicture
from strikebox.generation.backend import Pixels
from strikebox.generation.plan import Cell
from strikebox.jobs import Job
from strikebox.site import failures
from strikebox.site.context import Site
from strikebox.site.moderation.picture import Finding
from strikebox.site.pictures import Picture
from strikebox.site.progress import drop_preview
from strikebox.store import CellRecord
from strikebox.worker.hand import Hand
from strikebox.worker.parts import Parts, closed

THUMBNAIL = 320  # pixels, the longer side at most
CHECKED_WITHIN = 90.0  # seconds
_QUALITY = 80  # of thumbnails

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A rendered cell."""

    cell: Cell
    record: CellRecord
    png: bytes  # as `render` wrote it


@final
class Publisher:
    """Brings pictures from a worker to the site."""

    def __init__(self, site: Site, parts: Parts) -> None:
        self._site, self._parts = site, parts
        self._check = None if parts.check is None else closed(parts.check, CHECKED_WITHIN)

    def publish(self, job: Job, made: Made, hand: Hand) -> None:
        """Check a picture, then publish or withhold it.

        Raises LeaseLost, StoreError, JobsError, or ModerationError where nothing can be checked at all.
        """
        self._parts.ready()
        pixels = png.decode(made.png).pixels
        finding = None if self._check is None else self._check(pixels)
        picture = self._described(job, made, pixels, finding)
        media, sealed = self._site.media, self._sealed(made.png, job.id)
        # Of the sealed file: a picture that is small already is whole in its thumbnail, mark and all.
        file, thumbnail = media.put(sealed, "png"), media.put(thumbnail_of(png.decode(sealed).pixels), "webp")
        self._end(job, replace(picture, file=file, thumbnail=thumbnail), finding, hand)

    def enlarge(self, job: Job, hand: Hand) -> None:
        """Do an enlargement. Raises MissingPicture, LeaseLost, StoreError or JobsError."""
        picture = self._site.pictures.find(str(job.payload["picture"]))
        if picture is None or picture.state == "deleted" or self._parts.enlarge is None:
            raise MissingPicture("there is nothing to enlarge any more")
        original = self._site.media.read(picture.file)
        large = _encoded(self._parts.enlarge(png.decode(original).pixels), original)
        name = self._site.media.put(self._sealed(large, picture.id), "png")
        _, unpaid = hand.let_go(job.id)
        with self._site.database.writing() as connection:
            self._site.queue.finish_in(connection, job, {"picture": picture.id})
            self._site.budget.settle(connection, job.id, self._site.pricing.dollars(unpaid))
            self._site.pictures.enlarge(connection, picture.id, name)

    def fail(self, job: Job, message: str, hand: Hand, *, retry: bool) -> None:
        """It was not made; `message` is a line of failures. Raises LeaseLost or JobsError."""
        _, unpaid = hand.let_go(job.id)
        with self._site.database.writing() as connection:
            self._site.queue.fail_in(connection, job, message, retry=retry)
            self._site.budget.use(connection, job.id, self._site.pricing.dollars(unpaid))
            drop_preview(connection, job.id)
        self._site.budget.settle_ended()

    def give_back(self, hand: Hand) -> None:
        """Release the jobs that are left, for another worker or another time. Raises JobsError."""
        for job in hand.jobs:
            _, unpaid = hand.let_go(job.id)
            with self._site.database.writing() as connection:
                self._site.budget.use(connection, job.id, self._site.pricing.dollars(unpaid))
                drop_preview(connection, job.id)
            self._site.queue.release([job])

    def _sealed(self, png: bytes, name: str) -> bytes:
        seal = self._parts.seal
        return png if seal is None else seal(png, name)

    def _end(self, job: Job, picture: Picture, finding: Finding | None, hand: Hand) -> None:
        seconds, unpaid = hand.let_go(job.id)
        site = self._site
        with site.database.writing() as connection:
            if finding is None:
                site.queue.finish_in(connection, job, {"picture": job.id})
            else:
                _log.warning("withheld %s: %s: %s", job.id, finding.code, finding.detail)
                site.queue.fail_in(connection, job, failures.line(finding.code, finding.reason("en")))
            dollars = site.budget.settle(connection, job.id, site.pricing.dollars(unpaid))
            site.pictures.publish(connection, replace(picture, seconds=seconds, dollars=dollars))
            site.waiting.kept_in(connection, job.id)
            drop_preview(connection, job.id)

    def _described(self, job: Job, made: Made, pixels: Pixels, finding: Finding | None) -> Picture:
        """The picture but for its files, and what it cost."""
        cell, model = made.cell, self._parts.backend.model
        return Picture(
            id=job.id,
            state="public" if finding is None else "withheld",
            subject=cell.subject,
            prompts=cell.prompts,
            seed=cell.seed,
            recipe=cell.recipe.name,
            recipe_hash=cell.recipe.hash,
            toml=recipes.dumps(cell.recipe),
            model={
                "name": model.name,
                "hash": model.hash,
                "lora_name": model.lora_name,
                "lora_hash": model.lora_hash,
            },
            width=pixels.shape[1],
            height=pixels.shape[0],
            file="",
            thumbnail="",
            enlarged=None,
            created=0.0,
            votes=0,
            hall=None,
            maker=job.client,
            finding=None if finding is None else f"{finding.code}: {finding.detail}",
            forwards=made.record.forwards,
            flops=made.record.flops,
            seconds=made.record.seconds,
            dollars=0.0,
        )


def thumbnail_of(pixels: Pixels) -> bytes:
    """A small WebP file; a picture that is small already keeps its size."""
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=4)
    return buffer.getvalue()


def _encoded(pixels: Pixels, original: bytes) -> bytes:
    """A PNG of `pixels` with the text of the one that it was made from."""
    text = PngImagePlugin.PngInfo()
    with Image.open(io.BytesIO(original), formats=["PNG"]) as image:
        if isinstance(parameters := image.info.get("parameters"), str):
            text.add_text("parameters", parameters)
        if isinstance(ours := image.info.get("strikebox"), str):
            text.add_itxt("strikebox", ours)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()
