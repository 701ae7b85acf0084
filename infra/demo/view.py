"""The live view of a terminal: weddings, windows, the alert with its reasons, the pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from infra.demo import commands
from infra.demo.scene import Minute, Page, Running, Scene, Stage, WeddingRow
from wedsync.alerting.model import AlertState
from wedsync.alerting.severity import Severity
from wedsync.api.alerts import AlertReply
from wedsync.weddings.calendar import local
from wedsync.weddings.model import Phase

_WIDE = 110
_TALL = 36
_BAR = 18
_PAGES_SHOWN = 9
_SHORT_ROWS = 4
_SEVERITY_STYLE = {
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "dark_orange",
    Severity.CRITICAL: "bold white on red",
}
_HEALTH_STYLES = ((90, "green"), (70, "yellow"), (40, "dark_orange"), (-1, "bold red"))


@dataclass(frozen=True, slots=True)
class Frame:
    """One look of the screen: in one column where it is narrow, with fewer rows where it is low."""

    stage: Stage
    scene: Scene
    running: Running

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide, tall = options.max_width >= _WIDE, console.size.height >= _TALL
        rows = len(self.scene.weddings) if tall else _SHORT_ROWS
        minutes = self.scene.minutes if tall else self.scene.minutes[-_SHORT_ROWS:]
        yield _heading(self.stage, self.scene)
        weddings = _panel(
            _weddings(self.scene.weddings[:rows], wide=wide), "Weddings, each on its venue's clock"
        )
        windows = _panel(
            _windows(self.scene, minutes, self.running), "One-minute windows of the live wedding"
        )
        trouble = _trouble(self.stage, self.scene)
        command = _to_acknowledge(self.stage, self.scene, options.max_width)
        if wide:
            columns = Table.grid(expand=True, padding=0)
            columns.add_column(ratio=1)
            columns.add_column(ratio=1)
            columns.add_row(windows, trouble)
            yield weddings
            yield columns
            yield from command
        elif tall:
            yield weddings
            yield windows
            yield trouble
            yield from command
        else:  # what does not fit is cut off below
            yield trouble
            yield from command
            yield weddings
            yield windows
        if tall:
            yield from look_around(self.stage, self.scene, options.max_width)


def look_around(stage: Stage, scene: Scene, width: int) -> Iterator[Text]:
    """What to type in a second terminal, in lines that survive being copied."""
    yield Text("To look around, from a second terminal:", style="bold")
    for command in (*commands.exports(stage.ready), *commands.to_try(scene.live.wedding_id)):
        yield from _command(command, width)


def _to_acknowledge(stage: Stage, scene: Scene, width: int) -> Iterator[Text]:
    alert = scene.alert
    if alert is not None and alert.state is AlertState.FIRING:
        yield Text("To acknowledge, from a second terminal:", style="bold")
        yield from _command(commands.acknowledge(stage.ready, alert.alert_id), width)


def _command(command: str, width: int) -> Iterator[Text]:
    for line in commands.folded(command, width=width):
        yield Text(line, style="cyan", no_wrap=True)


def _panel(inside: RenderableType, title: str, style: str = "bright_black") -> Panel:
    return Panel(inside, title=title, title_align="left", border_style=style)


def _heading(stage: Stage, scene: Scene) -> RenderableType:
    speed = "" if stage.speed == 1 else f" x{stage.speed:g}"
    title = Text.assemble(
        ("WedSync", "bold magenta"),
        "  ",
        (f"{scene.now:%Y-%m-%d %H:%M:%S} UTC", "bold"),
        f"{speed}  {stage.ready.url}  Ctrl-C ends it",
    )
    return Group(title, Text(stage.day, style="italic"))


def _weddings(rows: Sequence[WeddingRow], *, wide: bool) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("Couple", "Venue", "There it is", "Its day", "Phase"):
        table.add_column(name, no_wrap=True)
    if wide:
        for name in ("Every", "Guests", "active", "Vendors"):
            table.add_column(name, justify="right", no_wrap=True)
    for name in ("Photos", "failed", *(("p95",) if wide else ()), "API"):
        table.add_column(name, justify="right", no_wrap=True)
    for place, row in enumerate(rows):
        table.add_row(*_cells(row, wide=wide), style="" if place else "bold")
    return table


def _cells(row: WeddingRow, *, wide: bool) -> Iterator[RenderableType]:
    figures = row.page.metrics
    yield row.wedding.couple_name
    yield row.clock.time_zone.partition("/")[2].replace("_", " ")
    yield f"{row.clock.local:%a %H:%M:%S}" if wide else f"{row.clock.local:%a %H:%M}"
    yield f"{row.wedding.date:%a %d %b %Y}" if wide else f"{row.wedding.date:%d %b %y}"
    yield Text(row.clock.phase, style="green" if row.clock.phase is Phase.LIVE else "")
    if wide:
        yield f"{row.clock.interval_seconds} s" if row.clock.interval_seconds else "-"
        yield str(row.wedding.guest_count)
        yield _or_dash(figures.guest_activity)
        yield f"{figures.vendors_online or 0}/{len(row.wedding.vendors)}"
    yield _or_dash(figures.photos_uploaded)
    failed = figures.photos_failed
    yield Text(_or_dash(failed), style="bold red" if failed else "")
    if wide:
        p95 = figures.system_performance.response_time
        yield "-" if p95 is None else f"{p95:.0f} ms"
    yield _health(row.health)


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _health(score: float | None) -> Text:
    if score is None:
        return Text("-")
    style = next(style for least, style in _HEALTH_STYLES if score >= least)
    return Text(f"{score:g}", style=style)


def _windows(scene: Scene, minutes: Sequence[Minute], running: Running) -> RenderableType:
    table = Table(box=None, expand=True, pad_edge=False)
    table.add_column("Minute", no_wrap=True)
    table.add_column("Photos", justify="right")
    table.add_column("Failed", justify="right")
    table.add_column("", no_wrap=True, ratio=1)
    most = max((each.completed + each.failed for each in minutes), default=0)
    for minute in minutes:
        table.add_row(*_minute(minute, scene.live, most))
    system = scene.tenant.system_health
    day = scene.tenant.wedding_metrics
    figures = Table.grid(padding=(0, 2))
    figures.add_row(
        "Platform",
        f"health {_figure(system.overall_score)}",
        f"p95 {_figure(system.api_response_time, ' ms')}",
        f"errors {_figure(system.error_rate, ' %')}",
    )
    figures.add_row(
        "Today",
        f"weddings {day.active_weddings}",
        f"photos/min {_figure(day.photo_uploads_per_minute)}",
        f"guests {_figure(day.guest_engagement, ' %')}",
    )
    figures.add_row(
        "Machine",
        f"CPU {running.cpu_percent:.0f} %",
        f"memory {running.memory_percent:.0f} %",
        f"disk {running.disk_percent:.0f} %",
    )
    return Group(table, Text(), figures, Text(f"Points sent: {running.points_sent:,}", style="dim"))


def _figure(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.4g}{unit}"


def _minute(minute: Minute, live: WeddingRow, most: int) -> Iterator[RenderableType]:
    yield f"{local(live.clock.time_zone, minute.at):%H:%M}"
    yield str(minute.completed + minute.failed)
    share = minute.failed_percent
    yield Text(f"{share:.1f} %", style="bold red" if share > 1 else "dim")
    scale = _BAR / most if most else 0
    failed = round(minute.failed * scale) or int(minute.failed > 0)
    completed = round(minute.completed * scale)
    yield Text.assemble(("█" * completed, "green"), ("█" * failed, "red"))


def _trouble(stage: Stage, scene: Scene) -> RenderableType:
    alert = scene.alert
    if alert is None:
        ahead = (stage.failing_from - scene.now).total_seconds()
        waiting = (
            f"Nothing is wrong. In {ahead:.0f} s, photo uploads of "
            f"{scene.live.wedding.couple_name} begin to fail."
            if ahead > 0
            else "Photo uploads have begun to fail …"
        )
        return _panel(Group(Text(waiting), *_others(scene)), "Alerts", "green")
    fires = alert.state in {AlertState.PENDING, AlertState.FIRING}
    return _panel(
        Group(_alert(alert), Text(), _pages(scene, alert), *_others(scene)),
        "Alert and pages",
        "red" if fires else "yellow",
    )


def _alert(alert: AlertReply) -> RenderableType:
    head = Text.assemble(
        (f" {alert.severity.upper()} ", _SEVERITY_STYLE[alert.severity]),
        " ",
        (alert.message, "bold"),
    )
    state = Text(f"{alert.state} since {alert.fired_at or alert.started_at:%H:%M:%S} UTC")
    if alert.acknowledged_at is not None:
        state.append(f", acknowledged {alert.acknowledged_at:%H:%M:%S}: the ladder stops", "green")
    reasons = Table.grid(padding=(0, 1))
    for each in alert.severity_reasons:
        reasons.add_row("·", Text(each.severity, _SEVERITY_STYLE[each.severity]), each.reason)
    return Group(head, state, reasons)


def _pages(scene: Scene, alert: AlertReply) -> RenderableType:
    table = Table(box=None, expand=True, pad_edge=False)
    for name in ("UTC", "After", "Tier", "To"):
        table.add_column(name, no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
    began = alert.fired_at or alert.started_at
    mine = [page for page in scene.pages if page.wedding_id == alert.wedding_id]
    for page in mine[-_PAGES_SHOWN:]:
        table.add_row(*_page(page, began))
    return table


def _page(page: Page, began: datetime) -> Iterator[RenderableType]:
    yield f"{page.at:%H:%M:%S}"
    yield f"{(page.at - began).total_seconds():.0f} s"
    yield Text(str(page.tier), style="bold")
    yield page.role.replace("_", " ")
    yield Text(page.kind, style="red" if page.kind == "page" else "dim")


def _others(scene: Scene) -> Iterator[RenderableType]:
    shown = scene.alert
    for each in scene.alerts:
        if each is not shown and each.state is not AlertState.RESOLVED:
            yield Text.assemble(
                "Also ", (each.severity, _SEVERITY_STYLE[each.severity]), f": {each.message}"
            )
