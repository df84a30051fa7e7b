"""PyPI's `ondilo` 0.5.0, which others wrote, sees of the faults what its users saw."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from margelle import testing
from tests.simulate.faults.client import Client

WITNESS = Path(__file__).with_name("witness.py")
NAMES = (
    "quota-400", "lastmeasures-empty", "times-naive", "html-200", "html-502", "maintenance-503", "token-500", "pools-400", "token-revoked",
    "refresh-token-absent", "pools-none", "cut",
)  # fmt: skip


def test_the_ondilo_library_sees_what_its_users_saw(sky: testing.Sky, client: Client) -> None:
    token = {"access_token": client.access, "refresh_token": client.refresh, "token_type": "Bearer", "expires_in": 3600}
    ended = subprocess.run(
        [sys.executable, str(WITNESS), sky.url, json.dumps(token), *NAMES],
        env={**os.environ, "OAUTHLIB_INSECURE_TRANSPORT": "1", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    told = json.loads(ended.stdout)

    limited = told["quota-400"]
    assert (limited["last"]["error"], json.loads(limited["last"]["message"])) == (400, {"message": "Limit Exceeded"})

    assert told["lastmeasures-empty"]["last"] == []
    assert len(told["lastmeasures-empty"]["measures"]) > 10

    assert all(re.fullmatch(r"[\d-]+ [\d:]+", row["value_time"]) for row in told["times-naive"]["measures"])

    assert told["html-200"]["pools"] == {"raised": "JSONDecodeError"}
    assert told["html-502"]["pools"]["error"] == 502
    assert told["html-502"]["pools"]["message"].startswith("<html>")
    assert told["maintenance-503"]["last"]["error"] == 503

    assert "raised" in told["token-500"]["renewed"]
    assert isinstance(told["token-500"]["last"], list)

    refused = told["pools-400"]["pools"]
    assert refused == {"error": 400, "message": '{"error":{"message":"Cannot get user\\u0027s pools 1"}}'}

    assert told["token-revoked"]["last"]["error"] == 401
    assert told["token-revoked"]["renewed"] == {"raised": "InvalidGrantError"}
    assert told["refresh-token-absent"]["renewed"]["refresh_token"] == client.refresh  # the library keeps the old one

    assert told["pools-none"]["pools"] == []
    assert told["cut"]["last"] == {"raised": "ChunkedEncodingError"}
    assert {entry.fault for entry in sky.log} >= set(NAMES)
