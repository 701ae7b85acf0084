"""In a fresh interpreter: CPU time of importing a handler's module, and of its first invocation.

``python -m benchmarks.first_call MODULE DATABASE EVENT NOW`` prints one line of JSON. Nothing is
imported before the clock runs but what a bare interpreter has.
"""

import sys
import time

if __name__ == "__main__":
    bare_seconds = time.process_time()
    module, database, event_path, now = sys.argv[1:]
    began = time.process_time()
    __import__(module)
    import_seconds = time.process_time() - began

    # What belongs to this machine alone is not counted.
    import json
    from dataclasses import dataclass
    from datetime import datetime
    from pathlib import Path

    from infra.local.clock import ManualClock, SeededIds
    from infra.local.engine import LocalCloud
    from wedsync.settings import Settings
    from wedsync.tenancy import Tenant

    @dataclass(frozen=True, slots=True)
    class Context:
        """What is used of Lambda's context."""

        aws_request_id: str = "first-call"

    tenant = Tenant("demo")
    settings = Settings(operator_tenant=tenant, unsigned_tenant=tenant)
    event = json.loads(Path(event_path).read_text())
    clock = ManualClock(datetime.fromisoformat(now))
    with LocalCloud(Path(database), clock=clock, ids=SeededIds(2)) as cloud:
        began = time.process_time()
        answer = sys.modules[module].handler.run(event, Context(), cloud, settings)
        call_seconds = time.process_time() - began
    print(
        json.dumps(
            {
                "bare": bare_seconds * 1000,
                "import": import_seconds * 1000,
                "call": call_seconds * 1000,
                "status": (answer or {}).get("statusCode"),
                "refused": (answer or {}).get("isAuthorized") is False,
                "failures": len((answer or {}).get("batchItemFailures") or ()),
            }
        )
    )
