"""Which windows a point still changes, by how long after its own time it arrived.

Lateness is judged by arrival, never by the consumer's clock; each bound belongs to the kinder side.
"""

ON_TIME_MS = 15 * 60 * 1000
"""Up to here a point changes every window; beyond, the hour and the day alone."""
ACCEPTED_MS = 24 * 60 * 60 * 1000
"""Beyond, it is refused: nothing that it would change is still open."""
AHEAD_MS = 5 * 60 * 1000
"""A point, or a frame, that is further ahead of its arrival is refused: a clock is wrong."""
