"""What a benchmark found: lines of figures, as JSON and as a page. No tensor library."""
