"""What no other function answers."""
