"""What makes and checks pictures: weights, programs, lists, fonts."""

from importlib.resources import files as package_files
from pathlib import Path

from strikebox import api
from strikebox.doctor.found import Found
from strikebox.lora import header
from strikebox.site.moderation.prompts import PromptRules
from strikebox.site.settings import Settings

_SCRIPTS = ("latin", "cyrillic")


def model(settings: Settings) -> Found:
    """The model and its LoRA. Raises ModelError, LoraError."""
    chosen = settings.model
    described = api.describe_model(chosen.model)
    yield "ok", f"{described.name}, {described.size.width} px"
    adapter = api.lora_file(chosen.model, chosen.lora)
    if adapter is None:
        yield "look", "no LoRA: recipes that use one will make what the model makes alone"
        return
    yield "ok", header.read(adapter).explain()


def enlarging(_: Settings) -> Found:
    """What the Hall of Fame is enlarged by. Raises ModelError."""
    from strikebox.upscaling.processor import ProcessorUpscaler

    ProcessorUpscaler()
    yield "ok", "Real-ESRGAN by ncnn"


def prompts(settings: Settings) -> Found:
    """The lists of what prompts may not ask for. Raises ModerationError."""
    PromptRules.read(settings.moderation.lists, settings.moderation.languages)
    yield "ok", f"rules in {', '.join(settings.moderation.languages)}"


def pictures(settings: Settings) -> Found:
    """What looks at pictures before they are published. Raises ExtractorError."""
    asked = settings.moderation
    if asked.classifier:
        from strikebox.extractors.nsfw import UnsafeCheck

        UnsafeCheck()
        yield "ok", "opennsfw is here"
    if asked.leak:
        from strikebox.extractors.efficientnet import EfficientNet

        EfficientNet()
        yield "ok", "copy descriptors are here"
    off = [name for name in ("classifier", "leak", "lettering") if not getattr(asked, name)]
    if off:
        yield "look", f"not checked before publication: {', '.join(off)}"


def lettering(settings: Settings) -> Found:
    """What reads lettering."""
    from strikebox.extractors.tesseract import available

    if not settings.moderation.lettering:
        yield "ok", "not needed: moderation.lettering is off"
    elif reason := available(settings.moderation.script):
        yield "look", f"{reason}; until then every picture with lettering is withheld"
    else:
        yield "ok", f"tesseract reads {settings.moderation.script}"


def fonts(_: Settings) -> Found:
    """The fonts of pages and of pictures to share."""
    from PIL import ImageFont

    folder = Path(str(package_files("strikebox"))) / "site" / "static" / "fonts"
    there = sorted(folder.glob("*.woff2"))
    missing = [script for script in _SCRIPTS if not any(script in path.name for path in there)]
    if missing:
        yield "bad", f"{folder}: has no {' and no '.join(missing)} font; install Strikebox again"
        return
    for path in there:
        ImageFont.truetype(str(path), 16)
    yield "ok", f"{len(there)} fonts can be read"


def admin(settings: Settings) -> Found:
    """Whether anybody may curate."""
    if settings.admin.password_hash is None and settings.admin.proxy_header is None:
        yield "look", "there are no admin pages; strikebox serve --hash-password makes admin.password_hash"
    else:
        yield "ok", "there are admin pages"
