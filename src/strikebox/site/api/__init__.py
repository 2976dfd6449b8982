"""The site's JSON API: orders, pictures, votes, reports, the day's budget."""
