"""Alerts: reading and answering them."""
