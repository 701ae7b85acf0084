"""A wedding, its venue's clock, and how closely it is watched."""
