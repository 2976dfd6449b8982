"""What may be published: rules for prompts, checks of pictures. Imports neither torch nor extractors."""
