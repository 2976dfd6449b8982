"""What every case of a benchmark makes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from strikebox.recipe import ImageToImage, LoraUse, Recipe, Sigma, Strength, TextToImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The sandwich: a LoRA paints, the base model redraws."""

    steps: int = 28
    guidance: float = 4.0
    lora_scale: float | None = 2.0  # None: there is no LoRA
    strength: float = 0.9

    def prompt(self, seeds: Sequence[int]) -> str:
        """That of a batch; another one for each, so that nobody has it embedded already."""
        return f"cat {seeds[0]}"

    @property
    def words(self) -> str:
        """In a line."""
        taken = self.steps - Strength(self.strength).start_index(self.steps)
        return f"The sandwich: {self.steps} + {taken} guided steps, from a prompt to a PNG."

    def recipe(self, name: str = "sandwich") -> Recipe:
        """It as a recipe."""
        lora = None if self.lora_scale is None else LoraUse(scale=self.lora_scale)
        first = TextToImage(prompt="{subject}", steps=self.steps, guidance=self.guidance, lora=lora)
        second = ImageToImage(
            prompt="{subject}", steps=self.steps, guidance=self.guidance, start=Strength(self.strength)
        )
        return Recipe(name=name, title="Sandwich", description="", passes=(first, second))


def smaller_first_pass(recipe: Recipe, share: float) -> Recipe:
    """The same with pass 1 at a share of the side, handed over as a picture: only low frequencies survive."""
    first, second = recipe.passes
    assert isinstance(second, ImageToImage)
    through = replace(second, handoff=replace(second.handoff, through="pixels"))
    return replace(
        recipe, name=f"{recipe.name}-pass-1-{share:g}", passes=(replace(first, size=share), through)
    )


def guided_in(recipe: Recipe, low: float, high: float) -> Recipe:
    """The same with guidance on for steps that start at a sigma in (low, high] alone."""
    passes = tuple(replace(pass_, guidance_sigma=(low, high)) for pass_ in recipe.passes)
    return replace(recipe, name=f"{recipe.name}-guided-{low:g}-{high:g}", passes=passes)


def gated(recipe: Recipe, sigma: float) -> Recipe:
    """Pass 1 alone, with the LoRA on above `sigma`: what pass 2 is for, without it."""
    first = recipe.passes[0]
    lora = first.lora and replace(first.lora, sigma=(sigma, 1.0))
    return replace(recipe, name=f"{recipe.name}-gated-{sigma:g}", passes=(replace(first, lora=lora),))


def distilled(recipe: Recipe, steps: int) -> Recipe:
    """The same with so few unguided steps in pass 2, which only a distilled model makes well.

    It starts at sigma 0.98, about where strength 0.9 of 28 steps does.
    """
    first, second = recipe.passes
    assert isinstance(second, ImageToImage)
    short = replace(second, steps=steps, guidance=1.0, start=Sigma(0.98))
    return replace(recipe, name=f"{recipe.name}-pass-2-{steps}", passes=(first, short))


def variants(recipe: Recipe, count: int) -> list[Recipe]:
    """`count` recipes with the same first pass, whose second passes differ a little in guidance."""
    first, second = recipe.passes
    return [
        replace(
            recipe,
            name=f"{recipe.name}-{number}",
            passes=(first, replace(second, guidance=second.guidance + number / 100)),
        )
        for number in range(count)
    ]
