"""Declarations of functions, and what runs them."""
