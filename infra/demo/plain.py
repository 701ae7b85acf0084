"""The demonstration as lines of text: what has changed since the last look."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from infra.demo import commands
from infra.demo.scene import Running, Scene, Stage
from wedsync.alerting.model import AlertState
from wedsync.api.alerts import AlertReply

_FIGURES_EVERY = timedelta(seconds=10)


@dataclass(slots=True)
class PlainLines:
    """Tells each thing once; figures from time to time."""

    stage: Stage
    _told: set[object] = field(init=False, default_factory=set)
    _figures_due: datetime | None = field(init=False, default=None)

    def opening(self, scene: Scene) -> Iterator[str]:
        """Where everything is, and which weddings there are."""
        yield f"WedSync: a wedding day on this machine, at {self.stage.ready.url}"
        yield self.stage.day
        for row in scene.weddings:
            yield (
                f"  {row.wedding.couple_name:<18} {row.wedding.date:%a %d %b %Y}"
                f"  {row.clock.time_zone:<20} {row.clock.local:%a %H:%M} there"
                f"  {row.clock.phase:<9} {row.wedding.guest_count:>3} guests"
            )
        yield "To look around, from a second terminal:"
        for line in (
            *commands.exports(self.stage.ready),
            *commands.to_try(scene.live.wedding_id),
        ):
            yield f"  {line}"

    def changes(self, scene: Scene, running: Running) -> Iterator[str]:
        """What is new in this scene, in the order in which it happened."""
        news = sorted(self._news(scene), key=lambda each: each[0])
        for at, lines in news:
            yield f"{at:%H:%M:%S} {lines[0]}"
            yield from lines[1:]
        if self._figures_due is None or scene.now >= self._figures_due:
            self._figures_due = scene.now + _FIGURES_EVERY * max(1.0, self.stage.speed)
            yield f"{scene.now:%H:%M:%S} {_figures(scene, running)}"

    def _news(self, scene: Scene) -> Iterator[tuple[datetime, list[str]]]:
        """What happened when, each with the lines that tell of it."""
        if scene.now >= self.stage.failing_from and self._first("failing"):
            couple = scene.live.wedding.couple_name
            yield self.stage.failing_from, [f"photo uploads of {couple} begin to fail"]
        for alert in scene.alerts:
            if self._first((alert.alert_id, alert.state, alert.severity)):
                first = self._first(alert.alert_id)
                fired_at = alert.fired_at or alert.started_at
                yield fired_at if first else scene.now, list(self._alert(alert))
        for page in scene.pages:
            if self._first(("page", page.seq)):
                yield (
                    page.at,
                    [f"{page.kind} of tier {page.tier} to {page.role}: {page.subject}"],
                )

    def _alert(self, alert: AlertReply) -> Iterator[str]:
        fired = "" if alert.fired_at is None else f", firedAt {alert.fired_at:%H:%M:%S}"
        yield f"{alert.severity} alert {alert.state}: {alert.message}{fired}"
        if alert.state is not AlertState.FIRING:
            return
        for reason in alert.severity_reasons:
            yield f"         because ({reason.severity}) {reason.reason}"
        yield f"         {commands.acknowledge(self.stage.ready, alert.alert_id)}"

    def _first(self, what: object) -> bool:
        new = what not in self._told
        self._told.add(what)
        return new


def _figures(scene: Scene, running: Running) -> str:
    latest = scene.minutes[-1] if scene.minutes else None
    photos = (
        "no photos yet"
        if latest is None
        else f"{latest.completed + latest.failed} photos this minute, "
        f"{latest.failed_percent:.1f} % failed"
    )
    return (
        f"{photos}; {running.points_sent:,} points sent; "
        f"CPU {running.cpu_percent:.0f} %, memory {running.memory_percent:.0f} %"
    )
