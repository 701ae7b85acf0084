"""Sequences that several functions share."""
