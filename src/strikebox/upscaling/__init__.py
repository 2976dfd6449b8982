"""Pictures of twice the side, by Real-ESRGAN on the processor. `klein/upscale.py` does the same by torch."""
