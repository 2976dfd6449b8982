"""Several GPUs and machines, through Ray: what makes pictures there, and what hands it the work."""
