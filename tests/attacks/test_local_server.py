"""What the local server must refuse in its own words, however it is asked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.http_events import Request
from infra.local.local_routes import LocalRoutes
from tests.builders import utc
from tests.harness import Bundle


@pytest.mark.parametrize("seconds", ["1" + "0" * 400, "-1" + "0" * 400, "1e999", "NaN"])
def test_no_number_of_seconds_is_too_large_to_be_refused(seconds: str) -> None:
    with Bundle(at=utc("2026-06-20T11:00")) as bundle:
        routes = LocalRoutes(bundle.machine, after_subscribe=lambda: None)
        request = Request(
            method="POST",
            target=b"/_local/clock",
            query=b"",
            headers=((b"host", b"127.0.0.1"),),
            body=f'{{"advanceSeconds": {seconds}}}'.encode(),
            source_ip="127.0.0.1",
        )
        assert routes.answer(request, request_id="r")["statusCode"] == 400
        assert bundle.now == utc("2026-06-20T11:00")


def test_a_vendor_without_a_name_gets_no_key(tmp_path: Path) -> None:
    asked = ["keys", "create", "--tenant", "t2", "--role", "vendor", "--vendor", ""]
    answer = CliRunner().invoke(app, [*asked, "--data", str(tmp_path)])
    assert answer.exit_code == 2
    assert not list(tmp_path.iterdir())
