"""Every vendor's record is whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from margelle.errors import BadInput
from margelle.ports import FaceContext, Source
from margelle.vendors import VENDORS
from tests.conftest import NOW
from tests.vendors.contract import EVERY_VENDOR, JOINED
from tests.vendors.fakes import FakeHttp, FakeTokens
from tests.vendors.parties import Party

DOCS = Path(__file__).parents[3] / "docs" / "vendors"


def test_every_registered_vendor_is_in_this_suite_by_its_own_record() -> None:
    assert {party.name: party.vendor for party in JOINED}.items() >= VENDORS.items()
    assert len({party.name for party in JOINED}) == len(JOINED)


@EVERY_VENDOR
def test_a_vendor_has_a_name_a_title_and_a_cloud_of_its_own(party: Party) -> None:
    vendor = party.vendor
    assert re.fullmatch(r"[a-z][a-z0-9]*", vendor.name)
    assert vendor.title.strip() == vendor.title != ""
    assert re.fullmatch(r"https://[a-z0-9.-]+", vendor.base_url)
    assert vendor.host == vendor.base_url.removeprefix("https://")
    assert [one.vendor.host for one in JOINED].count(vendor.host) == 1


@EVERY_VENDOR
def test_every_setting_says_what_it_is_and_may_have_its_default(party: Party) -> None:
    names = [setting.name for setting in party.vendor.settings]
    assert len(set(names)) == len(names)
    for setting in party.vendor.settings:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", setting.name)
        assert setting.sentence.endswith(".")
        assert isinstance(setting.default, (getattr(setting.type, "__origin__", setting.type), int))
        assert not setting.choices or str(setting.default) in setting.choices


@EVERY_VENDOR
def test_our_pace_is_bounded_and_never_above_the_vendors_quota(party: Party) -> None:
    pace = {rate.seconds: rate.requests for rate in party.vendor.pace}
    assert len(pace) == len(party.vendor.pace) > 0
    assert all(seconds > 0 and requests > 0 for seconds, requests in pace.items())
    assert max(pace) >= 3600
    for rate in party.vendor.quota:
        assert pace[rate.seconds] <= rate.requests


@EVERY_VENDOR
def test_a_connector_signs_in_by_page_or_says_that_there_is_none(party: Party) -> None:
    connector = party.vendor.connect(party.vendor.base_url, FakeHttp(), lambda: NOW)
    try:
        url = connector.authorize_url("https://hub.example/back", "a-state")
    except BadInput as refusal:
        assert refusal.hint
    else:
        assert url.startswith(party.vendor.base_url + "/")
        assert "a-state" in url
    assert callable(connector.redeem)
    assert callable(connector.sign_in)


@EVERY_VENDOR
def test_a_source_is_made_for_an_account_without_asking_anything(party: Party) -> None:
    http = FakeHttp()
    source: Source = party.source(party.account("john@doe.org"), http, FakeTokens())
    default: Source = party.vendor.source(party.account("john@doe.org"), http, FakeTokens())
    assert type(source) is type(default)
    assert http.requests == []


@EVERY_VENDOR
def test_a_face_needs_no_setting_and_no_store_to_be_made(party: Party) -> None:
    nothing = cast("Any", None)
    assert party.vendor.face(FaceContext(nothing, nothing, nothing, nothing, nothing, nothing, {}))


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_has_a_page(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for chapter in ("## Collecting", "## Serving"):
        assert chapter in page


@pytest.mark.parametrize("half", ["client", "routes"])
def test_the_records_load_neither_half_of_a_vendor(half: str) -> None:
    """A collector does not load the web server, nor the server a collector."""
    program = (
        "import sys, margelle.vendors; print([name for name in sys.modules if name.startswith('margelle.vendors.')])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "margelle.vendors.ondilo" in loaded
    assert f".{half}'" not in loaded
