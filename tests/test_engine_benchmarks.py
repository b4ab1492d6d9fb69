"""The benchmarks of the engine: what they measure, and that their verdicts can fail."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import warp

from harness.worker import building, imported

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))

    def module(name: str) -> ModuleType:
        return importlib.import_module(name)

    return module


def test_the_cpu_time_of_children_is_counted(load: Any) -> None:
    processes = load("processes")
    before = processes.cpu_seconds(os.getpid())
    busy = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    with subprocess.Popen([sys.executable, "-c", f"{busy}\ninput()"], stdin=subprocess.PIPE) as child:
        deadline = time.monotonic() + 60
        while processes.cpu_seconds(os.getpid()) < before + 0.3:
            assert time.monotonic() < deadline, "a child that runs is not counted"
            time.sleep(0.05)
        assert child.pid in processes.tree(os.getpid())
        child.communicate(b"\n")
    # waited for, it is gone, and what it used is not
    assert child.pid not in processes.tree(os.getpid())
    assert processes.cpu_seconds(os.getpid()) >= before + 0.3


def samples(scaling: ModuleType, costs: list[float], resident: list[int]) -> list[Any]:
    found, cpu = [], 0.0
    for n, (cost, bytes_) in enumerate(zip(costs, resident, strict=True)):
        cpu += 100 * cost
        memory = dict.fromkeys(scaling.ROLES, bytes_)
        found.append(scaling.Sample(100 * (n + 1), 110 * (n + 1), cpu, cpu, memory, 1000))
    return found


def test_a_campaign_that_slows_down_or_grows_is_told_from_one_that_does_not(load: Any) -> None:
    scaling = load("scaling")
    even = samples(scaling, [0.1] * 5, [10**8] * 5)
    assert scaling.verdict(even) == []
    assert scaling.cost(even) == pytest.approx((0.1, 0.1))
    (slow,) = scaling.verdict(samples(scaling, [0.1, 0.1, 0.1, 0.12], [10**8] * 4))
    assert slow == "a pair took 1.20 times the CPU time at the end"
    grown = scaling.verdict(samples(scaling, [0.1] * 4, [10**8, 10**8, 10**8, 2 * 10**8]))
    assert grown == [f"a {role} process grew from 100 to 200 MB" for role in scaling.ROLES]
    assert scaling.row(*even[:2]) == "| 200 | 100 | 11.0 | 100 | 100 | 100 | 0.0 |"


def test_the_ratios_of_throughput_are_those_of_its_figures(load: Any) -> None:
    found = {
        "warpsmith": 0.1, "warpsmith by the clock": 0.05, "limit": 0.08, "naive": 0.5, "generated": 0.01,
        "built": {"level 0, batches of 24": 0.09, "level 0, batches of 96": 0.08}, "start": (3.0, 5.0), "pairs": 9,
        "programs": 10, "workers": 2, "naive sample": 4, "ended otherwise": {}, "failures reduced": 0,
    }  # fmt: skip
    report = load("throughput").report(found)
    assert report.startswith("warpsmith verifies at 80% of the rate")
    assert "5.0 times as fast as the naive way" in report
    assert "only built (level 0, batches of 96) | 80 | 12.5 | 100% |" in report


@pytest.mark.parametrize("flags", ["-march=native -O1", None])
def test_only_builds_without_optimization_are_hastened(flags: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    config = SimpleNamespace(cpu_compiler_flags=flags)
    monkeypatch.setattr(imported, "wp", SimpleNamespace(config=config))
    assert building.quick_to_build({"optimization_level": 2}) == {"optimization_level": 2}
    assert building.quick_to_build({}) == {}
    quick = building.quick_to_build({"optimization_level": 0})
    assert quick["cpu_compiler_flags"] == f"{flags or '-march=native'} {building.INSTANTIATE_ONCE}"
    own = building.quick_to_build({"optimization_level": 0, "cpu_compiler_flags": "-g"})
    assert own["cpu_compiler_flags"] == f"-g {building.INSTANTIATE_ONCE}"
    # a Warp that has no such option is left as it is; the installed one has it
    assert hasattr(warp.config, "cpu_compiler_flags")
    del config.cpu_compiler_flags
    assert building.quick_to_build({"optimization_level": 0}) == {"optimization_level": 0}
