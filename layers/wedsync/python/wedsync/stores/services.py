"""What a function works with: the stores that it declared, opened on one cloud.

Stores are imported when they are first asked for, so that no function pays for what it does not
use (numpy above all).
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from wedsync.cloud.memory import Memory
from wedsync.resources import Resource

if TYPE_CHECKING:
    from datetime import datetime

    from wedsync.cloud import (
        Bucket,
        Capacity,
        Cloud,
        Queue,
        Readings,
        Secret,
        Stream,
        TimeSeries,
        Topic,
    )
    from wedsync.settings import Settings
    from wedsync.stores.alerts import AlertStore
    from wedsync.stores.backfills import BackfillStore
    from wedsync.stores.counts import CountStore
    from wedsync.stores.deliveries import DeliveryStore
    from wedsync.stores.emergency import EmergencyStore
    from wedsync.stores.frontiers import FrontierStore
    from wedsync.stores.hot_windows import HotWindowStore
    from wedsync.stores.idempotency import IdempotencyStore
    from wedsync.stores.incidents import IncidentStore
    from wedsync.stores.judged import JudgedStore
    from wedsync.stores.keys import KeyStore
    from wedsync.stores.limits import LimitStore
    from wedsync.stores.pipelines import PipelineStore
    from wedsync.stores.postmortems import PostmortemStore
    from wedsync.stores.pressure import PressureStore
    from wedsync.stores.refusals import RefusalStore
    from wedsync.stores.rejections import RejectionStore
    from wedsync.stores.rollups import RollupStore
    from wedsync.stores.routing import RoutingStore
    from wedsync.stores.rules import RuleStore
    from wedsync.stores.runbooks import ExecutionStore, RunbookStore
    from wedsync.stores.running_totals import RunningTotalStore
    from wedsync.stores.running_values import RunningValueStore
    from wedsync.stores.sealing import Sealing
    from wedsync.stores.silences import SilenceStore
    from wedsync.stores.streams import StreamStore
    from wedsync.stores.tallies import TallyStore
    from wedsync.stores.tenant_settings import TenantSettingsStore
    from wedsync.stores.trouble import TroubleStore
    from wedsync.stores.views import ViewStore
    from wedsync.stores.weddings import WeddingStore
    from wedsync.stores.windows import WindowStore


class Services:
    """Stores, senders and the clock of one invocation."""

    def __init__(
        self,
        cloud: Cloud,
        settings: Settings,
        *,
        memory: Memory | None = None,
        seconds: float | None = None,
    ) -> None:
        """``cloud`` has already been narrowed to what the function declared.

        ``memory`` is what the process remembers of the whole cloud between invocations. After
        ``seconds`` nothing long should be begun any more.
        """
        self.cloud = cloud
        self._ends_at = (
            None if seconds is None else cloud.wall_clock.now() + timedelta(seconds=seconds)
        )
        self.settings = settings
        self.memory = memory if memory is not None else Memory()
        self._id_seed: str | None = None
        self._ids_made = 0
        self._first_tried: datetime | None = None

    def now(self) -> datetime:
        """The present instant, UTC."""
        return self.cloud.clock.now()

    def out_of_time(self) -> bool:
        """Whether nothing long should be begun any more: the function's time is nearly over."""
        return self._ends_at is not None and self.cloud.wall_clock.now() >= self._ends_at

    def new_id(self, prefix: str) -> str:
        """A fresh id such as ``wed_…``; under an Idempotency-Key the same one at every try."""
        if self._id_seed is None:
            return self.cloud.ids.new_id(prefix)
        self._ids_made += 1
        text = f"{self._id_seed}\n{prefix}\n{self._ids_made}"
        return f"{prefix}_{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"

    def repeats(self, seed: str, *, since: datetime) -> None:
        """From here on, ids follow from ``seed``: a repeated request meets what it made.

        ``since`` is when it was first tried.
        """
        self._id_seed = seed
        self._first_tried = since

    def first_tried(self) -> datetime:
        """When the request came; under an Idempotency-Key when it came first."""
        return self.now() if self._first_tried is None else self._first_tried

    @cached_property
    def weddings(self) -> WeddingStore:
        """Registered weddings."""
        from wedsync.stores.weddings import WeddingStore

        return WeddingStore(self.cloud.table(Resource.WEDDINGS))

    @cached_property
    def hot_windows(self) -> HotWindowStore:
        """The minutes that still change: what counts each point once."""
        from wedsync.stores.hot_windows import HotWindowStore

        return HotWindowStore(self.cloud.table(Resource.HOT_WINDOWS))

    @cached_property
    def windows(self) -> WindowStore:
        """What is derived from the hot windows, for readers."""
        from wedsync.stores.windows import WindowStore

        return WindowStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def counts(self) -> CountStore:
        """How many points came, minute by minute."""
        from wedsync.stores.counts import CountStore

        return CountStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def trouble(self) -> TroubleStore:
        """What has been spoken against of late."""
        from wedsync.stores.trouble import TroubleStore

        return TroubleStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def judged(self) -> JudgedStore:
        """What was counted and has been judged."""
        from wedsync.stores.judged import JudgedStore

        return JudgedStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def streams(self) -> StreamStore:
        """Request streams, as detectors remember them."""
        from wedsync.stores.streams import StreamStore

        return StreamStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def running_totals(self) -> RunningTotalStore:
        """What exporters have told of the totals that they keep."""
        from wedsync.stores.running_totals import RunningTotalStore

        return RunningTotalStore(self.cloud.table(Resource.RUNNING_TOTALS))

    @cached_property
    def running_values(self) -> RunningValueStore:
        """Values that updates change."""
        from wedsync.stores.running_values import RunningValueStore

        return RunningValueStore(self.cloud.table(Resource.RUNNING_TOTALS))

    @cached_property
    def rollups(self) -> RollupStore:
        """Hours and days, kept long after their minutes."""
        from wedsync.stores.rollups import RollupStore

        return RollupStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def backfills(self) -> BackfillStore:
        """What came when its windows had long been closed."""
        from wedsync.stores.backfills import BackfillStore

        return BackfillStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def frontiers(self) -> FrontierStore:
        """How far the jobs that follow the clock have come."""
        from wedsync.stores.frontiers import FrontierStore

        return FrontierStore(self.cloud.table(Resource.WINDOWS))

    @cached_property
    def refusals(self) -> RefusalStore:
        """Records that proved no right to be counted."""
        from wedsync.stores.refusals import RefusalStore

        return RefusalStore(self.cloud.table(Resource.REJECTIONS))

    @cached_property
    def rejections(self) -> RejectionStore:
        """Points and records that were not counted, with the reason."""
        from wedsync.stores.rejections import RejectionStore

        return RejectionStore(self.cloud.table(Resource.REJECTIONS), self.quarantine)

    @cached_property
    def alerts(self) -> AlertStore:
        """Alert episodes."""
        from wedsync.stores.alerts import AlertStore

        return AlertStore(self.cloud.table(Resource.ALERTS))

    @cached_property
    def incidents(self) -> IncidentStore:
        """Incidents with their ladders."""
        from wedsync.stores.incidents import IncidentStore

        return IncidentStore(self.cloud.table(Resource.INCIDENTS))

    @cached_property
    def postmortems(self) -> PostmortemStore:
        """What people have found out about incidents."""
        from wedsync.stores.postmortems import PostmortemStore

        return PostmortemStore(self.cloud.table(Resource.INCIDENTS))

    @cached_property
    def runbooks(self) -> RunbookStore:
        """Tenants' own runbooks."""
        from wedsync.stores.runbooks import RunbookStore

        return RunbookStore(self.cloud.table(Resource.RUNBOOKS))

    @cached_property
    def executions(self) -> ExecutionStore:
        """Runs of runbooks."""
        from wedsync.stores.runbooks import ExecutionStore

        return ExecutionStore(self.cloud.table(Resource.RUNBOOKS))

    @cached_property
    def emergency(self) -> EmergencyStore:
        """Which tenants shed what can wait."""
        from wedsync.stores.emergency import EmergencyStore

        return EmergencyStore(self.cloud.table(Resource.TENANT_SETTINGS))

    @cached_property
    def keys(self) -> KeyStore:
        """Callers' keys, hashed."""
        from wedsync.stores.keys import KeyStore

        return KeyStore(self.cloud.table(Resource.KEYS))

    @cached_property
    def idempotency(self) -> IdempotencyStore:
        """Answers by Idempotency-Key."""
        from wedsync.stores.idempotency import IdempotencyStore

        return IdempotencyStore(self.cloud.table(Resource.IDEMPOTENCY))

    @cached_property
    def tenant_settings(self) -> TenantSettingsStore:
        """What tenants have settled for themselves."""
        from wedsync.stores.tenant_settings import TenantSettingsStore

        return TenantSettingsStore(self.cloud.table(Resource.TENANT_SETTINGS))

    @cached_property
    def pipelines(self) -> PipelineStore:
        """What tenants derive from what is ingested."""
        from wedsync.stores.pipelines import PipelineStore

        return PipelineStore(self.cloud.table(Resource.TENANT_SETTINGS))

    @cached_property
    def limits(self) -> LimitStore:
        """How much each caller has asked."""
        from wedsync.stores.limits import LimitStore

        return LimitStore(self.cloud.table(Resource.LIMITS), self.memory)

    @cached_property
    def pressure(self) -> PressureStore:
        """How far the consumer of the stream is behind."""
        from wedsync.stores.pressure import PressureStore

        return PressureStore(self.cloud.table(Resource.LIMITS))

    @cached_property
    def views(self) -> ViewStore:
        """Which weddings somebody looks at."""
        from wedsync.stores.views import ViewStore

        return ViewStore(self.cloud.table(Resource.VIEWS))

    @cached_property
    def routing(self) -> RoutingStore:
        """Contacts, the roster, escalation policies."""
        from wedsync.stores.routing import RoutingStore

        return RoutingStore(self.cloud.table(Resource.ROUTING))

    @cached_property
    def rules(self) -> RuleStore:
        """The rules that tenants made."""
        from wedsync.stores.rules import RuleStore

        return RuleStore(self.cloud.table(Resource.RULES))

    @cached_property
    def silences(self) -> SilenceStore:
        """What nobody is told of for a while."""
        from wedsync.stores.silences import SilenceStore

        return SilenceStore(self.cloud.table(Resource.RULES))

    @cached_property
    def tallies(self) -> TallyStore:
        """What people said of alerts afterwards."""
        from wedsync.stores.tallies import TallyStore

        return TallyStore(self.cloud.table(Resource.RULES))

    @cached_property
    def deliveries(self) -> DeliveryStore:
        """What was told to whom."""
        from wedsync.stores.deliveries import DeliveryStore

        return DeliveryStore(self.cloud.table(Resource.NOTIFICATIONS))

    @cached_property
    def sealing(self) -> Sealing:
        """What keeps channels' secrets."""
        from wedsync.stores.sealing import Sealing

        return Sealing(self.cloud.secret(Resource.SEALING), self.cloud.ids)

    @cached_property
    def direct(self) -> Topic:
        """The topic of messages to single contacts."""
        return self.cloud.topic(Resource.DIRECT)

    @cached_property
    def posting(self) -> Queue:
        """The queue of deliveries that are posted, or posted again."""
        return self.cloud.queue(Resource.DELIVERIES)

    @cached_property
    def metrics_stream(self) -> Stream:
        """Where HTTP ingest puts its records."""
        return self.cloud.stream(Resource.METRICS_STREAM)

    @cached_property
    def wake(self) -> Queue:
        """The delay queue that wakes a ladder's next tier, or a watched wedding."""
        return self.cloud.queue(Resource.WAKE)

    @cached_property
    def quarantine(self) -> Bucket:
        """Raw bytes of what could not be counted."""
        return self.cloud.bucket(Resource.QUARANTINE)

    @cached_property
    def signing(self) -> Secret:
        """The master secret of record signatures and point identities."""
        return self.cloud.secret(Resource.SIGNING)

    @cached_property
    def token_keys(self) -> Secret:
        """The pinned key set that bearer tokens are verified with."""
        return self.cloud.secret(Resource.TOKEN_KEYS)

    @cached_property
    def history(self) -> TimeSeries:
        """The long-range store beside the rollups, where there is one."""
        return self.cloud.time_series(Resource.HISTORY)

    @cached_property
    def vitals(self) -> Readings:
        """What rules judge of the bundle's own parts."""
        return self.cloud.readings(Resource.VITALS)

    @cached_property
    def usage(self) -> Readings:
        """What is used of them."""
        return self.cloud.readings(Resource.USAGE)

    @cached_property
    def capacity(self) -> Capacity:
        """How much room the bundle's own functions and stream have."""
        return self.cloud.capacity(Resource.CAPACITY)

    def topic_of_tier(self, tier: int) -> Topic:
        """The topic that pages this tier; tiers past the last share its topic."""
        tiers = (Resource.TIER_0, Resource.TIER_1, Resource.TIER_2)
        return self.cloud.topic(tiers[min(tier, len(tiers) - 1)])
