"""Whom a message reaches, on which channels, and what became of it."""
