"""Random interleavings of workers, crashes, duplicate wakes and people, against the guarantees."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.domain.incidents.builders import (
    NOW,
    WEDDING_DAY_CHOICE,
    an_alert,
    an_incident,
)
from wedsync.errors import IncidentAlreadyResolved, LadderExhausted
from wedsync.incidents.ladder import Claimed, claim, due_steps, mark_sent, next_due_at, release
from wedsync.incidents.lifecycle import acknowledge, escalate, post_update, resolve
from wedsync.incidents.model import Incident, LadderStep, StepKind, StepStatus
from wedsync.incidents.opening import join

LEASE = timedelta(seconds=60)


@dataclass
class Publication:
    """One message that went out, and the instant at which its worker had claimed it."""

    step: LadderStep
    claimed_at: datetime


class LadderProtocol(RuleBasedStateMachine):
    """The incident is the stored one; workers hold what they claimed until they crash or mark."""

    @initialize(milliseconds=st.integers(0, 999))
    def opening(self, milliseconds: int) -> None:
        self.now = NOW + timedelta(milliseconds=milliseconds)
        self.incident: Incident = an_incident(now=self.now)
        self.working: list[tuple[LadderStep, datetime]] = []
        self.published: list[Publication] = []
        self.claims: dict[str, list[datetime]] = {}
        self.released: set[tuple[str, int]] = set()
        self.alerts = 1

    @rule(seconds=st.sampled_from([0.1, 1, 10, 59, 60, 61, 299, 300, 600, 1800]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(index=st.integers(0, 5))
    def a_worker_wakes_for_some_step_due_or_not(self, index: int) -> None:
        step = self.incident.steps[index % len(self.incident.steps)]
        answered = self.incident.acknowledged_at is not None or not self.incident.is_active
        taken = claim(self.incident, step.step_id, now=self.now)
        if not isinstance(taken, Claimed):
            return
        assert step.due_at <= self.now, "early"
        if step.kind is StepKind.PAGE:
            assert not answered, "paged after an answer"
        self.remember(taken.step)
        self.incident = taken.incident

    @rule()
    def the_sweep_claims_all_that_is_due(self) -> None:
        for step in due_steps(self.incident, now=self.now):
            taken = claim(self.incident, step.step_id, now=self.now)
            assert isinstance(taken, Claimed)
            self.remember(taken.step)
            self.incident = taken.incident

    def remember(self, step: LadderStep) -> None:
        earlier = self.claims.setdefault(step.step_id, [])
        gave_back = (step.step_id, step.attempt - 1) in self.released
        if earlier and not gave_back:
            assert self.now - earlier[-1] >= LEASE, "claimed twice within one lease"
        earlier.append(self.now)
        self.working.append((step, self.now))

    @precondition(lambda self: self.working)
    @rule(index=st.integers(0, 5), crash=st.booleans())
    def a_worker_publishes_and_marks_or_crashes_between(self, *, index: int, crash: bool) -> None:
        step, claimed_at = self.working.pop(index % len(self.working))
        self.published.append(Publication(step=step, claimed_at=claimed_at))
        if crash:
            return
        marked = mark_sent(self.incident, step.step_id, attempt=step.attempt, now=self.now)
        if marked is not None:
            self.incident = marked

    @precondition(lambda self: self.working)
    @rule(index=st.integers(0, 5))
    def a_worker_crashes_before_it_publishes(self, index: int) -> None:
        self.working.pop(index % len(self.working))

    @precondition(lambda self: self.working)
    @rule(index=st.integers(0, 5))
    def a_worker_cannot_publish_and_gives_the_step_back(self, index: int) -> None:
        step, _ = self.working.pop(index % len(self.working))
        given_back = release(self.incident, step.step_id, attempt=step.attempt)
        if given_back is not None:
            self.released.add((step.step_id, step.attempt))
            self.incident = given_back

    @rule()
    def somebody_acknowledges(self) -> None:
        if self.incident.is_active:
            self.incident = acknowledge(self.incident, by="mia", at=self.now).incident

    @rule()
    def somebody_tells_how_it_goes(self) -> None:
        told = post_update(self.incident, by="mia", at=self.now, text="looking")
        self.incident = told.incident

    @rule(sees_the_level=st.booleans())
    def somebody_escalates_by_hand(self, *, sees_the_level: bool) -> None:
        level = self.incident.escalation_level
        try:
            raised = escalate(
                self.incident, by="mia", at=self.now, seen_level=level if sees_the_level else None
            )
        except (IncidentAlreadyResolved, LadderExhausted):
            return
        assert raised.incident.escalation_level == level + 1
        if raised.step is not None:
            self.remember(raised.step)
        self.incident = raised.incident

    @precondition(lambda self: self.incident.is_active and self.incident.epoch < 3)
    @rule()
    def another_critical_alert_joins(self) -> None:
        self.alerts += 1
        answered = self.incident.acknowledged_at is not None
        epoch = self.incident.epoch
        joined = join(
            self.incident, an_alert(f"a-{self.alerts}"), choice=WEDDING_DAY_CHOICE, now=self.now
        )
        self.incident = joined.incident
        assert self.incident.epoch == epoch + answered

    @rule()
    def somebody_resolves(self) -> None:
        # Rare, so that most runs see a long life.
        if self.now > NOW + timedelta(minutes=20):
            self.incident = resolve(self.incident, by="mia", at=self.now).incident

    @invariant()
    def nothing_waits_past_its_time_without_being_claimable(self) -> None:
        due = next_due_at(self.incident)
        if due is not None and due <= self.now:
            assert due_steps(self.incident, now=self.now)

    @invariant()
    def no_page_under_way_is_forgotten_by_the_clock(self) -> None:
        if not self.incident.is_active or self.incident.acknowledged_at is not None:
            return
        for step in self.incident.steps:
            current = step.epoch == self.incident.epoch and step.kind is StepKind.PAGE
            if current and step.lease_until is not None:
                due = next_due_at(self.incident)
                assert due is not None
                assert due <= max(step.lease_until, step.due_at)

    @invariant()
    def every_step_sent_was_published(self) -> None:
        published = {publication.step.step_id for publication in self.published}
        sent = {step.step_id for step in self.incident.steps if step.status is StepStatus.SENT}
        assert sent <= published

    @invariant()
    def a_step_is_published_once_per_claim_at_most(self) -> None:
        attempts = [(each.step.step_id, each.step.attempt) for each in self.published]
        assert len(attempts) == len(set(attempts))

    def teardown(self) -> None:
        """Left alone with one honest worker, every tier of an open, unanswered ladder goes out."""
        if not hasattr(self, "incident"):
            return
        # Workers that are still busy die; an hour brings all leases and timers to their end.
        for _ in range(120):
            self.now += timedelta(seconds=30)
            for step in due_steps(self.incident, now=self.now):
                taken = claim(self.incident, step.step_id, now=self.now)
                assert isinstance(taken, Claimed)
                self.published.append(Publication(step=taken.step, claimed_at=self.now))
                marked = mark_sent(
                    taken.incident, step.step_id, attempt=taken.step.attempt, now=self.now
                )
                assert marked is not None
                self.incident = marked
        assert next_due_at(self.incident) is None
        published = {each.step.step_id for each in self.published}
        pages = [
            step
            for step in self.incident.steps
            if step.kind is StepKind.PAGE and step.epoch == self.incident.epoch
        ]
        if self.incident.is_active and self.incident.acknowledged_at is None:
            assert {
                step.step_id for step in pages if step.status is not StepStatus.CANCELLED
            } <= published
        closing = [step for step in self.incident.steps if step.kind is StepKind.RESOLVED]
        assert {step.step_id for step in closing} <= published


TestLadderProtocol = LadderProtocol.TestCase
TestLadderProtocol.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
