"""Blind votes: which of two pictures is better, asked of people, kept in the run's folder, and added up."""
