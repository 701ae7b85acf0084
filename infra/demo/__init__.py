"""A wedding day to look at: imagined weddings and their traffic, real measurements, a live view."""
