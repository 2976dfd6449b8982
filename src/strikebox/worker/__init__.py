"""What makes the pictures that visitors order: leases jobs, renders, checks, publishes."""
