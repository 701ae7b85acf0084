"""One module per kind of stored thing, written once on the seam."""
