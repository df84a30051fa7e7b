"""Who of those that share a store has died on this machine."""

from __future__ import annotations

import subprocess
import sys

from margelle.collect import holder


def test_every_collector_has_a_name_of_its_own() -> None:
    assert len({holder.new() for _ in range(100)}) == 100


def test_the_living_are_not_dead() -> None:
    assert not holder.is_dead(holder.new())


def test_a_process_that_has_ended_is_dead() -> None:
    code = "from margelle.collect import holder; print(holder.new())"
    name = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert holder.is_dead(name)


def test_of_another_machine_nothing_is_known() -> None:
    name = holder.new().split(" ")
    assert not holder.is_dead(" ".join(["elsewhere/pid:[1]", "999999999", name[-1]]))
    for odd in ("", "x", "a b c", f"{name[0]} 99999999999999999999999 aa"):
        assert not holder.is_dead(odd)
