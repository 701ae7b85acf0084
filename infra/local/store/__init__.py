"""The local stores: one SQLite file behind the seam."""
