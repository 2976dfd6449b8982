"""The checks of a site, as its configuration asks for them. Made in the process that runs them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from strikebox.errors import ModerationError
from strikebox.extractors.style_pictures import StylePictures
from strikebox.site.moderation.picture import PictureCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureChecks:
    """What is checked. Called, it loads the checks; it travels between processes."""

    classifier: bool = True  # nudity
    leak: bool = True  # copies of training pictures
    lettering: bool = True  # lettering of training pictures
    training: Path | None = None  # folder of the pictures that the LoRA was trained on; None: unknown
    held_out: Path | None = (
        None  # folder of pictures of the same style that it never saw; None: there are none
    )
    cache: Path  # folder for what was seen of them
    language: str = "rus"  # of the lettering, as tesseract names it

    def __call__(self) -> tuple[PictureCheck, ...]:
        """Raises ExtractorError, DatasetError or ModerationError, which say what to mend."""
        return tuple(self._checks())

    def _checks(self) -> Iterator[PictureCheck]:
        if self.classifier:
            from strikebox.extractors.nsfw import UnsafeCheck

            yield UnsafeCheck()
        if self.leak or self.lettering:
            yield from self._against_training()

    def _against_training(self) -> Iterator[PictureCheck]:
        if self.training is None or self.held_out is None:
            raise ModerationError(
                "copies of training pictures cannot be found without those pictures and held-out ones of the "
                "style; set moderation.training and moderation.held_out, or moderation.leak and "
                "moderation.lettering to false"
            )
        pictures = StylePictures.read(self.training, self.held_out, self.cache)
        if self.leak:
            import torch

            from strikebox.extractors.published_leak import LeakCheck

            torch.set_num_threads(1)  # the processor belongs to whoever makes pictures
            yield LeakCheck(pictures)
        if self.lettering:
            yield self._lettering(pictures)

    def _lettering(self, pictures: StylePictures) -> PictureCheck:
        from strikebox.extractors.published_lettering import LetteringCheck
        from strikebox.extractors.tesseract import Tesseract, available

        return LetteringCheck(pictures, None if available(self.language) else Tesseract(self.language))
