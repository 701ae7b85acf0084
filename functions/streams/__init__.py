"""Consumers of streams and queues."""
