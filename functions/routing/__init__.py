"""Whom to tell: contacts, duties, escalation policies, and what was told to whom."""
