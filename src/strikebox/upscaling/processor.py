"""Real-ESRGAN to twice the side, by ncnn on the processor.

Never by Vulkan: where there is no graphics card Mesa's software Vulkan takes its place, and its pictures are
visibly corrupt.
"""

from typing import Any, final

import numpy as np

from strikebox.errors import ModelError
from strikebox.generation.backend import Pixels
from strikebox.upscaling import weights
from strikebox.upscaling.tiles import in_tiles


@final
class ProcessorUpscaler:
    """Doubles pictures. For one thread."""

    def __init__(self, threads: int = 1) -> None:
        """`threads` of the processor. Raises ModelError where ncnn or the weights are missing."""
        try:
            import ncnn  # pyright: ignore[reportMissingTypeStubs]
        except ImportError:
            raise ModelError("ncnn is not installed; pip install ncnn") from None
        network, values = weights.place()
        self._ncnn: Any = ncnn
        self._net: Any = self._ncnn.Net()
        self._net.opt.use_vulkan_compute = False
        self._net.opt.num_threads = threads
        for precision in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
            setattr(self._net.opt, precision, False)  # as torch computes
        if self._net.load_param(str(network)) or self._net.load_model(str(values)):
            raise ModelError(f"{values}: ncnn does not read it; install the ncnn of constraints.txt")

    def __call__(self, pixels: Pixels) -> Pixels:
        """(height, width, 3) to (2 height, 2 width, 3), sRGB."""
        return in_tiles(self._double, pixels)

    def _double(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        kind = self._ncnn.Mat.PixelType.PIXEL_RGB
        given = self._ncnn.Mat.from_pixels(np.ascontiguousarray(pixels), kind, width, height)
        given.substract_mean_normalize([], [1 / 255] * 3)
        extractor = self._net.create_extractor()
        extractor.input("data", given)
        failed, large = extractor.extract("output")
        if failed:
            raise MemoryError(f"ncnn could not enlarge a picture of {width} x {height} px")
        values = np.array(large).transpose(1, 2, 0)
        return ((values * 255).clip(0, 255) + 0.5).astype(np.uint8)
