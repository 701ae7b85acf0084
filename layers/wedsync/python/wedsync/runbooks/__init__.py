"""Runbooks: what is done by itself when an incident begins, step by step, and how it is undone."""
