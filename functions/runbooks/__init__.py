"""Runbooks: what is done by itself when an incident begins, and their runs."""
