"""Rules, severity with its reasons, and the life of an alert."""
