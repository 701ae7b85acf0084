"""The life of an alert, on the clock."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.alerting.builders import NOW, THE_DAY, a_finding, after
from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.lifecycle import Effect, Step, acknowledge, advance, due_at, resolve
from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.severity import Severity
from wedsync.errors import AlertAlreadyResolved, Conflict

BREACH = a_finding()
SLOW_BREACH = a_finding(for_seconds=60)
CLEAR = a_finding(Outcome.CLEAR)
HOLD = a_finding(Outcome.HOLD)
SILENT = a_finding(Outcome.SILENT)
NO_DATA = a_finding(Outcome.NO_DATA)


def step(alert: Alert | None, finding: Finding, seconds: float) -> Step:
    return advance(alert, finding, tenant="t", context=THE_DAY, now=after(seconds))


def played(
    findings: Iterable[tuple[float, Finding]], alert: Alert | None = None
) -> tuple[Alert | None, list[tuple[float, Effect]]]:
    effects: list[tuple[float, Effect]] = []
    for seconds, finding in findings:
        taken = step(alert, finding, seconds)
        effects.extend((seconds, effect) for effect in taken.effects)
        # A store keeps the earlier episode when a pending one is deleted.
        alert = taken.alert
    return alert, effects


def firing(severity: Severity = Severity.CRITICAL) -> Alert:
    alert = step(None, a_finding(severity=severity), 0).alert
    assert alert is not None
    return alert


def test_a_critical_breach_on_the_wedding_day_fires_at_once() -> None:
    alert = firing()

    assert alert.state is AlertState.FIRING
    assert alert.fired_at == NOW
    assert alert.alert_id == f"{alert.fingerprint}-1"
    assert alert.wedding_context == THE_DAY


def test_another_breach_fires_only_once_it_has_held_for_a_minute() -> None:
    pending, nothing = played([(0, SLOW_BREACH), (30, SLOW_BREACH), (59, SLOW_BREACH)])
    assert pending is not None
    assert (pending.state, nothing) == (AlertState.PENDING, [])
    assert due_at(pending) == after(60)

    fired = step(pending, SLOW_BREACH, 60)

    assert fired.effects == (Effect.FIRED,)


@pytest.mark.parametrize("missing", [SILENT, NO_DATA])
def test_a_pending_breach_fires_on_the_clock_without_another_sample(missing: Finding) -> None:
    _, effects = played([(0, SLOW_BREACH), (60, missing)])

    assert effects == [(60, Effect.FIRED)]


def test_a_long_wait_is_not_passed_by_missing_data() -> None:
    patient = a_finding(for_seconds=600)

    pending, effects = played([(0, patient), (400, NO_DATA), (700, NO_DATA)])

    assert effects == []
    assert pending is not None
    assert pending.state is AlertState.PENDING
    assert due_at(pending) is None


@pytest.mark.parametrize("end", [CLEAR, HOLD])
def test_a_pending_alert_that_ends_disappears_and_nobody_hears_of_it(end: Finding) -> None:
    alert, effects = played([(0, SLOW_BREACH), (30, end)])

    assert (alert, effects) == (None, [])


def test_a_pending_breach_that_turns_critical_on_the_day_waits_no_longer() -> None:
    alert, effects = played(
        [(0, a_finding(severity=Severity.MEDIUM, for_seconds=60)), (10, BREACH)]
    )

    assert effects == [(10, Effect.FIRED)]
    assert alert is not None
    assert alert.severity is Severity.CRITICAL
    assert alert.auto_escalate


def test_a_pending_alert_follows_the_severity_down() -> None:
    mild = a_finding(severity=Severity.MEDIUM, for_seconds=60)

    alert, effects = played([(0, SLOW_BREACH), (10, mild), (60, mild)])

    assert effects == [(60, Effect.FIRED)]
    assert alert is not None
    assert (alert.severity, alert.auto_escalate) == (Severity.MEDIUM, False)


def test_an_alert_resolves_after_five_minutes_of_nothing_but_clear() -> None:
    alert, effects = played([(0, BREACH), (10, CLEAR), (200, CLEAR), (309, CLEAR)])
    assert alert is not None
    assert effects == [(0, Effect.FIRED)]
    assert due_at(alert) == after(310)

    over = step(alert, CLEAR, 310)

    assert over.effects == (Effect.RESOLVED,)
    assert over.alert is not None
    assert over.alert.recovered_automatically


@pytest.mark.parametrize("interruption", [BREACH, HOLD, NO_DATA])
def test_anything_but_clear_begins_the_five_minutes_anew(interruption: Finding) -> None:
    alert, effects = played(
        [(0, BREACH), (10, CLEAR), (200, interruption), (210, CLEAR), (509, CLEAR)]
    )

    assert effects == [(0, Effect.FIRED)]
    assert step(alert, CLEAR, 510).effects == (Effect.RESOLVED,)


def test_an_alert_flapping_every_30_s_for_10_min_is_one_notification_and_one_resolved() -> None:
    flapping = [(30.0 * n, CLEAR if n % 2 else BREACH) for n in range(20)]
    calm = [(600.0 + 10 * n, CLEAR) for n in range(60)]

    _, effects = played([*flapping, *calm])

    assert [effect for _, effect in effects] == [Effect.FIRED, Effect.RESOLVED]


def test_an_alert_flapping_every_30_s_that_must_hold_for_60_s_is_nothing() -> None:
    flapping = [(30.0 * n, CLEAR if n % 2 else SLOW_BREACH) for n in range(20)]

    assert played(flapping) == (None, [])


def test_a_series_that_vanishes_while_firing_resolves_nothing() -> None:
    alert, effects = played(
        [(0, BREACH), (280, SILENT), *((300.0 + 60 * n, NO_DATA) for n in range(100))]
    )

    assert effects == [(0, Effect.FIRED)]
    assert alert is not None
    assert (alert.state, alert.no_data_since) == (AlertState.FIRING, after(300))


def test_a_silent_window_lets_a_clear_streak_run_on() -> None:
    _, effects = played([(0, BREACH), (10, CLEAR), (290, SILENT), (310, SILENT)])

    assert effects == [(0, Effect.FIRED), (310, Effect.RESOLVED)]


@pytest.mark.parametrize(
    ("errors", "resolved"),
    [(Outcome.NO_DATA, False), (Outcome.SILENT, False), (Outcome.CLEAR, True)],
)
def test_an_input_that_breached_and_vanished_has_not_recovered_while_others_are_clear(
    *, errors: Outcome, resolved: bool
) -> None:
    partly = replace(
        CLEAR,
        axes=(
            AxisOutcome(axis="errors", outcome=errors),
            AxisOutcome(axis="availability", outcome=Outcome.CLEAR),
        ),
    )

    _, effects = played([(0, BREACH), *((10.0 * n, partly) for n in range(1, 60))])

    assert (Effect.RESOLVED in [effect for _, effect in effects]) is resolved


def test_severity_only_rises_within_an_episode_and_a_rise_is_told() -> None:
    alert, effects = played(
        [
            (0, a_finding(severity=Severity.HIGH)),
            (10, a_finding(severity=Severity.MEDIUM)),
            (20, a_finding(severity=Severity.CRITICAL)),
            (30, a_finding(severity=Severity.MEDIUM)),
        ]
    )

    assert effects == [(0, Effect.FIRED), (20, Effect.RAISED)]
    assert alert is not None
    assert (alert.severity, alert.notified_severity) == (Severity.CRITICAL, Severity.CRITICAL)
    assert alert.severity_reasons[0].severity is Severity.CRITICAL


def test_an_acknowledged_alert_stays_so_while_it_breaches_and_fires_again_when_it_rises() -> None:
    taken = acknowledge(firing(Severity.HIGH), by="mia", at=after(5))

    still = step(taken, a_finding(severity=Severity.HIGH), 10)
    risen = step(taken, BREACH, 20)

    assert still.alert is taken
    assert risen.effects == (Effect.RAISED,)
    assert risen.alert is not None
    assert (risen.alert.state, risen.alert.acknowledged_by) == (AlertState.FIRING, None)


def test_an_acknowledged_alert_resolves_like_any_other() -> None:
    taken = acknowledge(firing(), by="mia", at=after(5))

    _, effects = played([(10, CLEAR), (310, CLEAR)], taken)

    assert effects == [(310, Effect.RESOLVED)]


def test_a_suppressed_alert_rises_and_ends_in_silence() -> None:
    quiet = replace(firing(Severity.HIGH), state=AlertState.SUPPRESSED)

    alert, effects = played([(10, BREACH), (20, CLEAR), (320, CLEAR)], quiet)

    assert effects == []
    assert alert is not None
    assert (alert.state, alert.severity) == (AlertState.RESOLVED, Severity.CRITICAL)
    assert alert.notified_severity is Severity.HIGH


def test_an_alert_that_people_must_resolve_stays_open() -> None:
    stubborn = replace(BREACH, auto_resolve=False)

    alert, effects = played([(0, stubborn), (10, CLEAR), (1000, CLEAR)])

    assert effects == [(0, Effect.FIRED)]
    assert alert is not None
    assert due_at(alert) is None


def test_the_next_episode_counts_on_from_the_last() -> None:
    alert, effects = played([(0, BREACH), (10, CLEAR), (310, CLEAR), (320, BREACH)])

    assert effects[-1][1] is Effect.FIRED
    assert alert is not None
    assert alert.episode == 2
    assert alert.alert_id.endswith("-2")
    assert alert.fingerprint == firing().fingerprint


def test_what_somebody_resolved_is_not_opened_again_by_the_same_window() -> None:
    over = resolve(firing(Severity.HIGH), by="mia", at=after(100))

    assert step(over, a_finding(severity=Severity.HIGH), 110).alert is over
    assert step(over, a_finding(severity=Severity.HIGH), 400).effects == (Effect.FIRED,)
    assert step(over, BREACH, 110).effects == (Effect.FIRED,)  # it is worse than what was resolved


def test_an_alert_that_stays_as_it_is_costs_no_write() -> None:
    alert = firing()

    for seconds in range(10, 600, 10):
        assert step(alert, BREACH, seconds).alert is alert


def test_a_changing_value_is_stored_every_30_s_at_most() -> None:
    alert: Alert | None = firing()
    writes = 0
    for n in range(1, 61):
        taken = step(alert, a_finding(value=2.0 + n), 10.0 * n)
        writes += taken.alert is not alert
        alert = taken.alert

    assert writes == 20


def test_another_input_in_breach_is_remembered_at_once() -> None:
    both = replace(
        BREACH,
        axes=(*BREACH.axes, AxisOutcome(axis="availability", outcome=Outcome.BREACH)),
    )

    alert = step(firing(), both, 1).alert

    assert alert is not None
    assert alert.axes == ("availability", "errors")


def test_a_repeated_acknowledgement_changes_nothing() -> None:
    taken = acknowledge(firing(), by="mia", at=after(5))

    assert acknowledge(taken, by="tom", at=after(6)) is taken
    assert (taken.acknowledged_by, taken.acknowledged_at) == ("mia", after(5))


def test_a_resolved_alert_cannot_be_acknowledged_and_a_pending_one_not_yet() -> None:
    with pytest.raises(AlertAlreadyResolved):
        acknowledge(resolve(firing(), by="mia", at=NOW), by="tom", at=NOW)
    pending = step(None, SLOW_BREACH, 0).alert
    assert pending is not None
    with pytest.raises(Conflict):
        acknowledge(pending, by="tom", at=NOW)


def test_a_repeated_resolve_changes_nothing() -> None:
    over = resolve(firing(), by="mia", at=after(5))

    assert resolve(over, by="tom", at=after(6)) is over
    assert not over.recovered_automatically
    assert due_at(over) is None


@pytest.mark.parametrize("finding", [CLEAR, HOLD, SILENT, NO_DATA])
def test_without_a_breach_there_is_nothing_to_keep(finding: Finding) -> None:
    assert step(None, finding, 0).alert is None


OUTCOMES = st.sampled_from([BREACH, SLOW_BREACH, CLEAR, HOLD, SILENT, NO_DATA])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), OUTCOMES), max_size=40))
def test_whatever_the_window_says_people_hear_fired_and_resolved_in_turn(
    history: list[tuple[int, Finding]],
) -> None:
    alert: Alert | None = None
    heard: list[Effect] = []
    clock = last_unclear = 0
    for seconds, finding in history:
        clock += seconds
        taken = step(alert, finding, clock)
        alert = taken.alert
        if finding.outcome in {Outcome.BREACH, Outcome.HOLD, Outcome.NO_DATA}:
            last_unclear = clock
        if Effect.RESOLVED in taken.effects:
            assert clock - last_unclear >= 300
            assert finding.outcome in {Outcome.CLEAR, Outcome.SILENT}
        heard.extend(taken.effects)

    assert heard == [Effect.FIRED, Effect.RESOLVED] * (len(heard) // 2) + [Effect.FIRED] * (
        len(heard) % 2
    )


def test_after_a_resolve_by_hand_the_same_window_opens_nothing_and_a_new_breach_does() -> None:
    over = resolve(firing(), by="mia", at=after(10))

    still_there, none = played([(20, BREACH), (30, SILENT), (40, HOLD), (50, BREACH)], over)
    assert (still_there, none) == (over, [])
    alert, effects = played([(60, CLEAR), (70, CLEAR), (80, BREACH)], over)
    assert alert is not None
    assert (alert.episode, effects) == (2, [(80, Effect.FIRED)])


def test_what_was_resolved_by_hand_is_seen_clear_once_and_only_while_that_matters() -> None:
    over = resolve(firing(), by="mia", at=after(10))
    clear = step(over, CLEAR, 60).alert
    assert clear is not None
    assert step(clear, CLEAR, 70).alert is clear
    assert step(over, CLEAR, 310).alert is over


def test_the_clear_of_an_input_that_never_breached_does_not_end_the_quiet() -> None:
    over = resolve(firing(), by="mia", at=after(10))
    others = replace(
        CLEAR,
        axes=(
            AxisOutcome(axis="errors", outcome=Outcome.SILENT),
            AxisOutcome(axis="latency", outcome=Outcome.CLEAR),
        ),
    )
    assert step(over, others, 60).alert is over


def test_what_is_resolved_by_hand_after_its_data_stopped_leaves_no_quiet() -> None:
    blind, _ = played([(10, SILENT), (301, NO_DATA)], firing())
    assert blind is not None
    over = resolve(blind, by="mia", at=after(3600))

    alert, effects = played([(3605, BREACH)], over)

    assert alert is not None
    assert (alert.episode, effects) == (2, [(3605, Effect.FIRED)])
