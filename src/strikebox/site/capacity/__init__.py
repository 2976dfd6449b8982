"""How many GPUs so many visitors need: queue, workers and money of the site, simulated."""
