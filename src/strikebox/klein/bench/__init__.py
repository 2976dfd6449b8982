"""Side by side with stock diffusers, on one machine in one run."""
