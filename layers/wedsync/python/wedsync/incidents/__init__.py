"""Incidents, and the escalation ladder that provably stops."""
