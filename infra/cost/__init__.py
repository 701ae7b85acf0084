"""What running the bundle costs, from calls that are counted and prices that are listed."""
