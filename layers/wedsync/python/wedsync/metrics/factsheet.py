"""The columns of one wedding, read as its facts."""

from collections.abc import Mapping

from wedsync.metrics.facts import Activity, ComponentHealth, WeddingFacts
from wedsync.metrics.histogram import Ints, Words
from wedsync.metrics.marks import Happenings, Marks, Role

Strings = tuple[str, ...]


def facts_of(
    strings: Strings,
    marks: Marks,
    happenings: Happenings,
    *,
    uploads: Mapping[str | None, int],
) -> WeddingFacts:
    """The facts that these marks and happenings of one wedding tell; ``uploads`` by outcome."""
    return WeddingFacts(
        uploads_started=uploads.get("started", 0),
        uploads_completed=uploads.get("completed", 0),
        uploads_failed=uploads.get("failed", 0),
        activity=_activity(strings, happenings),
        vendor_heartbeat_ms=_by_subject(strings, marks, Role.VENDOR_HEARTBEAT),
        vendor_seen_ms=_by_subject(strings, marks, Role.VENDOR_SEEN),
        guests=dict(_times(marks, Role.GUEST, marks.id)),
        backup_ok_ms=_last(marks, Role.BACKUP_OK),
        backup_failed_ms=_last(marks, Role.BACKUP_FAILED),
        health=_health(strings, marks),
        began_ms=_by_subject(strings, marks, Role.ITEM_BEGAN),
    )


def _activity(strings: Strings, rows: Happenings) -> tuple[Activity, ...]:
    columns = (rows.ts_ms, rows.id, rows.type, rows.vendor, rows.guest, rows.summary)
    return tuple(
        Activity(
            ts_ms=ts_ms,
            id=each,
            type=strings[kind],
            vendor_id=None if vendor < 0 else strings[vendor],
            guest_id=None if guest < 0 else strings[guest],
            summary=strings[summary],
        )
        for ts_ms, each, kind, vendor, guest, summary in zip(
            *(column[::-1].tolist() for column in columns), strict=True
        )
    )


def _health(strings: Strings, marks: Marks) -> dict[str, ComponentHealth]:
    failed: dict[int, list[int]] = {}
    for component, ms in _times(marks, Role.HEALTH_FAILED, marks.subject):
        failed.setdefault(component, []).append(ms)
    passed = dict(_times(marks, Role.HEALTH_OK, marks.subject))
    return {
        strings[component] if component >= 0 else "": ComponentHealth(
            failed_ms=tuple(sorted(failed.get(component, ()), reverse=True)),
            ok_ms=passed.get(component),
        )
        for component in sorted({*failed, *passed})
    }


def _by_subject(strings: Strings, marks: Marks, role: Role) -> dict[str, int]:
    return {strings[subject]: ms for subject, ms in _times(marks, role, marks.subject)}


def _times(marks: Marks, role: Role, key: Ints | Words) -> list[tuple[int, int]]:
    chosen = marks.role == role
    return list(zip(key[chosen].tolist(), marks.ts_ms[chosen].tolist(), strict=True))


def _last(marks: Marks, role: Role) -> int | None:
    return max((ms for _, ms in _times(marks, role, marks.role)), default=None)
