"""The art site: what visitors, friends with a key and the operator see, and what it keeps. No torch here."""
