"""Weddings and their clock."""
