"""What must hold at rest: failure store, alerts, incidents, and who was told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from tests.harness import Bundle
from tests.simulation.counting import parked_rows
from tests.simulation.reference import Parked, Reference
from tests.simulation.watching import Watch, require
from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.severity import Severity
from wedsync.cloud import Item
from wedsync.incidents.model import Incident, LadderStep, StepKind, StepStatus
from wedsync.resources import Resource
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Status

SETTLED = timedelta(seconds=180)
PROMPT = timedelta(seconds=5)
_alerts = Documents(Alert)
_incidents = Documents(Incident)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Uploads that failed on their wedding's day: on the stream, and judged by a whole run."""

    tenant: Tenant
    wedding_id: str
    placed_at: datetime
    judged_at: datetime


@dataclass(slots=True)
class AtRest:
    """Looks through the stores of a world that has come to rest."""

    bundle: Bundle
    watch: Watch
    tenants: tuple[Tenant, ...]
    page_after: list[float] = field(default_factory=list)

    def on_the_day(self, tenant: Tenant, wedding_id: str, at: datetime) -> bool:
        """Whether the wedding's own rules hold at this instant."""
        wedding = self.bundle.services.weddings.find(tenant, wedding_id)
        if wedding is None:
            return False
        context = wedding_context(wedding, at)
        return context.status is Status.TODAY or context.in_window

    def parked(self, reference: Reference) -> None:
        """Every record that could not be counted lies in the failure store, and nothing else."""
        self.watch.checks["I6"] += 1
        found: dict[Parked, str] = {}
        for tenant in self.tenants:
            for page in parked_rows(self.bundle.services, tenant):
                for row in page.rejections:
                    require(row.code and row.detail, "I6", f"{row} lies there without a reason")
                    if not row.place.startswith("http:"):
                        found[Parked(tenant.id, row.place, row.index)] = row.code
        for wanted, code in reference.parked.items():
            require(wanted in found, "I6", f"{wanted} ({code}) was neither counted nor parked")
            same = code in ("", found[wanted])
            require(same, "I6", f"{wanted} was parked as {found[wanted]}, should be {code}")
        for there, code in found.items():
            good = there not in reference.parked
            require(not good, "I6", f"{there} was parked as {code} though it is good")
        bucket = self.bundle.cloud.bucket(Resource.QUARANTINE)
        stuck = [name for name in bucket.names() if name.startswith("queues/")]
        self.watch.checks["quarantined wakes"] += len(stuck)

    def alerts(self) -> None:
        """Whatever follows from an alert has been done."""
        now = self.bundle.now
        for tenant, alert in self._all_alerts():
            self.watch.checks["I7"] += 1
            require(
                alert.unsettled_since is None or now - alert.unsettled_since < SETTLED,
                "I7",
                f"{alert.alert_id} is {alert.state} since {alert.unsettled_since}, and what "
                "follows has never been done",
            )
            fired = alert.state is not AlertState.PENDING and alert.fired_at is not None
            escalates = alert.severity is Severity.CRITICAL or alert.auto_escalate
            told = fired and alert.state is not AlertState.SUPPRESSED
            if told and escalates and alert.resolved_by is None:
                require(
                    alert.incident_id is not None,
                    "I7",
                    f"{alert.alert_id} of {tenant.id} is {alert.severity} and has no incident",
                )

    def incidents(self) -> None:
        """Whatever was due has been sent, and everyone who was paged knows that it is over."""
        for tenant, incident in self._all_incidents():
            for step in incident.steps:
                self.watch.checks["I7"] += 1
                self._step(incident, step)
            if incident.severity is Severity.CRITICAL:
                self.watch.checks["I7"] += 1
                self._first_page(tenant, incident)

    def messages(self) -> None:
        """A message goes out twice only when the run that sent it first came to harm.

        Or when another took over from a run that hung, and that one went on after all.
        """
        for key, sendings in self.watch.sent.items():
            self.watch.checks["I8"] += 1
            for former, later in pairwise(sendings):
                slow = later.run is not None and later.run.paused
                require(
                    former.run is None or former.run.harmed or slow,
                    "I8",
                    f"{key} was sent at {former.at} by run {_number(former.run)}, which nothing "
                    f"befell, and again at {later.at} by run {_number(later.run)}",
                )

    def pages(self, owed: dict[tuple[Tenant, str], datetime]) -> None:
        """Every wedding whose uploads failed on its day has had its page."""
        incidents = self._all_incidents()
        for (tenant, wedding_id), since in owed.items():
            self.watch.checks["I7"] += 1
            own = [
                each
                for owner, each in incidents
                if (owner, each.wedding_id) == (tenant, wedding_id)
            ]
            require(own, "I7", f"uploads failed at {wedding_id} since {since}: no incident")
            first = self._first_page_of(wedding_id)
            answered = any(each.acknowledged_at or each.resolved_at for each in own)
            require(
                first is not None or answered,
                "I7",
                f"uploads failed at {wedding_id} since {since}: nobody was paged",
            )
            if first is not None and first >= since:
                self.page_after.append((first - since).total_seconds())

    def somebody_waits(self) -> bool:
        """Whether a page, a reminder or a notice is still to come."""
        return any(
            incident.is_active and step.status is StepStatus.PENDING
            for _, incident in self._all_incidents()
            for step in incident.steps
        )

    def prompt(self, burst: "Burst") -> None:
        """A page leaves within seconds of the breach, where nothing went wrong meanwhile.

        Nor since its incident was opened, if that was before: its page is taken up again in time.
        """
        first = self._first_page_of(burst.wedding_id)
        latest = burst.judged_at + PROMPT
        since, until = burst.placed_at, min(first or latest, latest)
        opened = [each.opened_at for each in self._incidents_of(burst)]
        began = min([since, *(each for each in opened if each <= until)])
        if not self.watch.unharmed(began, until) or self._answered(burst, until):
            return
        self.watch.checks["I7, no fault meanwhile"] += 1
        require(
            first is not None and first <= latest,
            "I7",
            f"uploads at {burst.wedding_id} failed at {since}, judged at {burst.judged_at}; "
            f"the first page left at {first}, though nothing went wrong",
        )

    def summary(self) -> tuple[list[tuple[object, ...]], ...]:
        """What people would notice, to compare two moments."""
        return (
            sorted(
                (each.alert_id, each.state, each.severity)
                for _, each in self._all_alerts()
                if each.state is not AlertState.PENDING
            ),
            sorted(
                (each.incident_id, each.status, each.epoch, each.escalation_level)
                for _, each in self._all_incidents()
            ),
            sorted((key, len(sent)) for key, sent in self.watch.sent.items()),
        )

    def _first_page_of(self, wedding_id: str) -> datetime | None:
        return min(
            (
                sending.at
                for sendings in self.watch.sent.values()
                for sending in sendings
                if sending.attributes.get("wedding_id") == wedding_id
                and sending.attributes["kind"] == StepKind.PAGE
            ),
            default=None,
        )

    def _answered(self, burst: "Burst", until: datetime) -> bool:
        """Whether a person had answered already, so that nobody needs to be paged."""
        own = self._incidents_of(burst)
        answers = [at for each in own for at in (each.acknowledged_at, each.resolved_at) if at]
        return any(at <= until for at in answers)

    def _incidents_of(self, burst: "Burst") -> list[Incident]:
        """Every incident of the wedding whose uploads failed, present and former."""
        return [
            each
            for tenant, each in self._all_incidents()
            if (tenant, each.wedding_id) == (burst.tenant, burst.wedding_id)
        ]

    def _first_page(self, tenant: Tenant, incident: Incident) -> None:
        """Tier 0 of a critical incident has left, unless somebody answered first."""
        pages = [
            step
            for step in incident.steps
            if step.kind is StepKind.PAGE and step.tier == 0 and step.epoch == incident.epoch
        ]
        answered = incident.acknowledged_at is not None or not incident.is_active
        left = any(
            f"{tenant.id}#{incident.incident_id}#{step.epoch}#page#0#{role}" in self.watch.sent
            for step in pages
            for role in step.roles
        )
        waited = self.bundle.now - incident.opened_at >= SETTLED
        require(
            left or answered or not waited,
            "I7",
            f"{incident.incident_id} is critical since {incident.opened_at}: no page ever left",
        )

    def _step(self, incident: Incident, step: LadderStep) -> None:
        name = f"{incident.incident_id} step {step.step_id} ({step.status})"
        if step.status is StepStatus.SENT:
            for role in step.roles:
                tenant = self._owner(incident)
                key = f"{tenant}#{incident.incident_id}#{step.epoch}#{step.kind}#{step.tier}#{role}"
                require(key in self.watch.sent, "I8", f"{name} is marked sent; {key} never left")
            return
        if step.epoch != incident.epoch or step.due_at > self.bundle.now - SETTLED:
            return
        acknowledged = incident.acknowledged_at is not None
        wanted = {
            StepKind.PAGE: incident.is_active and not acknowledged,
            StepKind.NOTICE: incident.is_active and not acknowledged,
            StepKind.REMINDER: incident.is_active and acknowledged,
            StepKind.RESOLVED: not incident.is_active,
        }[step.kind]
        cancelled = step.status is StepStatus.CANCELLED
        owed = wanted and not cancelled
        require(not owed, "I7", f"{name} was due at {step.due_at} and was never sent")

    def _owner(self, incident: Incident) -> str:
        return next(
            tenant.id
            for tenant, each in self._all_incidents()
            if each.incident_id == incident.incident_id
        )

    def _all_alerts(self) -> list[tuple[Tenant, Alert]]:
        return [
            (tenant, _alerts.load(item.text("body")))
            for tenant in self.tenants
            for item in self._items(Resource.ALERTS, tenant.partition("alerts"))
        ]

    def _all_incidents(self) -> list[tuple[Tenant, Incident]]:
        """Present and former ones; one that is filed and still present counts as present."""
        found: dict[str, tuple[Tenant, Incident]] = {}
        for tenant in self.tenants:
            for item in self._items(Resource.INCIDENTS, tenant.partition("incidents")):
                incident = _incidents.load(item.text("body"))
                filed = item.key.sk == incident.incident_id
                if not filed or incident.incident_id not in found:
                    found[incident.incident_id] = (tenant, incident)
        return list(found.values())

    def _items(self, resource: Resource, partition: str) -> list[Item]:
        table = self.bundle.cloud.table(resource)
        items: list[Item] = []
        after = None
        while True:
            page = table.query(partition, after=after)
            items += page.items
            if (after := page.next) is None:
                return items


def _number(run: object) -> object:
    return getattr(run, "number", None)
