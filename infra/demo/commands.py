"""Command lines for a second terminal, which survive being copied."""

from infra.demo.server import Ready

_NARROWEST = 20


def exports(ready: Ready) -> tuple[str, ...]:
    """What the other lines need."""
    return (f"export URL={ready.url}", f"export TOKEN={ready.token}")


def to_try(wedding_id: str) -> tuple[str, ...]:
    """What can be asked of a running demonstration."""
    bearer = '-H "Authorization: Bearer $TOKEN"'
    return (
        f"curl -s $URL/api/metrics/wedding/{wedding_id} {bearer}",
        f"curl -s $URL/api/metrics/real-time {bearer}",
        f"curl -s $URL/api/monitoring/incidents/active {bearer}",
        'curl -s "$URL/_local/notifications?since=0"',
    )


def acknowledge(ready: Ready, alert_id: str) -> str:
    """Take the alert, as a whole: nothing needs to be set before."""
    return (
        f"curl -sX POST {ready.url}/api/metrics/alerts/{alert_id}/acknowledge"
        f" -H x-api-key:{ready.token}"
    )


def folded(command: str, *, width: int) -> list[str]:
    r"""The command in lines of this width; each but the last ends in ``\``, as a shell takes it."""
    room = max(_NARROWEST, width) - 1
    lines = []
    while len(command) > room + 1:
        lines.append(command[:room] + "\\")
        command = command[room:]
    return [*lines, command]
