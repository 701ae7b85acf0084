"""Incidents: reporting, escalating and answering them."""
