"""The settings of the face."""

from __future__ import annotations

from typing import Any

import pytest

from margelle.errors import ConfigError
from margelle.vendors.ondilo import ONDILO
from margelle.vendors.ondilo.profile import SETTINGS, Profile


def test_the_defaults_of_the_settings_are_those_of_the_profile() -> None:
    assert Profile.of({setting.name: setting.default for setting in SETTINGS}) == Profile()


def test_every_setting_of_the_vendor_is_one_of_the_profile_and_the_other_way_round() -> None:
    assert [setting.name for setting in ONDILO.settings] == list(Profile.__struct_fields__)


def test_a_setting_that_is_not_the_faces_is_left_alone() -> None:
    assert Profile.of({"types_default": "empty", "another": 1}) == Profile(types_default="empty")


@pytest.mark.parametrize(
    "hosts", [["a.example", "*.b.example", "localhost:8123", "my.app:", "[::1]:80", " UPPER.example "]]
)
def test_hosts_are_compared_without_case(hosts: list[str]) -> None:
    assert Profile.of({"redirect_hosts": hosts}).redirect_hosts == tuple(host.strip().lower() for host in hosts)


@pytest.mark.parametrize(
    "settings",
    [
        {"access_token_life_s": 0.0}, {"access_token_life_s": -1.0}, {"access_token_life_s": 1e300},
        {"access_token_life_s": float("nan")}, {"redirect_hosts": ["https://a.example"]}, {"redirect_hosts": ["a.example/x"]},
        {"redirect_hosts": ["*"]}, {"redirect_hosts": [""]}, {"redirect_hosts": ["a.*.example"]}, {"redirect_hosts": ["me@a.example"]},
    ],
)  # fmt: skip
def test_settings_with_which_no_face_could_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Profile.of(settings)
