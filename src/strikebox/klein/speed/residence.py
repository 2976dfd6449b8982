"""What lies on the graphics card, and what waits in the machine's memory: arithmetic beforehand."""

from dataclasses import dataclass

from strikebox.generation.backend import Model, Size

_OF_CARD = 0.92  # the rest is the driver's, the allocator's and the desktop's
_TENSORS = 3  # of the widest activation that are alive at once
_SETS = 2  # of merged weights that are kept: a sandwich goes to and fro between two


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """How much the parts of a model take."""

    transformer: int  # as it runs: half for 8 bits
    touched: int  # by the LoRA, in the precision of the file on disk; 0 without one
    set: int  # of the LoRA's layers as they run
    text: int
    vae: int
    work: int  # activations of the largest forward


@dataclass(frozen=True, slots=True, kw_only=True)
class Residence:
    """Where the parts are. What is not on the card is copied to it when it is needed."""

    text: bool = True  # the text encoder is on the card
    pristine: bool = True  # so are the weights without LoRA that the merged ones are made from
    sets: int = 0  # merged weights that are kept there


def plan(free: int | None, needs: Bytes) -> Residence:
    """What fits into `free` bytes, the most useful first; everything where there is no card (None).

    First to go are kept sets (made again in tens of milliseconds), then the pristine weights (a copy over the
    bus a switch of the LoRA), last the text encoder (a copy a new prompt).
    """
    if free is None:
        return Residence()
    room = int(_OF_CARD * free) - needs.transformer - needs.vae - needs.work
    text = room >= needs.text
    room -= needs.text if text else 0
    pristine = room >= needs.touched
    room -= needs.touched if pristine else 0
    sets = _SETS if needs.set and room >= _SETS * needs.set else 0
    return Residence(text=text, pristine=pristine, sets=sets)


def work(model: Model, size: Size, pictures: int, bytes_per_number: int) -> int:
    """Bytes that a guided forward of `pictures` of `size` takes beside the weights.

    The widest activation is that of a single block: query, key, value and both halves of the feed-forward.
    """
    architecture = model.architecture
    tokens = model.tokens(size) + architecture.text_tokens
    widest = int((3 + 2 * architecture.mlp_ratio) * architecture.dim)
    return _TENSORS * 2 * pictures * tokens * widest * bytes_per_number
