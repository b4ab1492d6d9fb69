"""The benchmarks, scaled down: they count what they say, and their tables are whole."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import strategies
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind, failed, inconclusive

FOLDER = Path(__file__).parents[1] / "benchmarks"


def benchmark(name: str) -> ModuleType:
    """The module of a benchmark, which is no package."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_of_false_alarms_counts_every_program(sandbox: Sandbox) -> None:
    count = benchmark("false_alarms").measure(6, [1, 2], ["elementwise", "unary"], sandbox)
    rows = [line.split("|")[1:-1] for line in count.table().splitlines()]
    assert [row[0].strip() for row in rows] == ["category", "---", "elementwise", "unary", "all"]
    assert [int(row[1]) for row in rows[2:]] == [3, 3, 6]
    for row in rows[2:]:
        assert sum(int(cell.split()[0]) for cell in row[2:]) == int(row[1])
    assert count.failures == []


def test_gradcheck_is_measured_beside_our_own_verdicts() -> None:
    command = [sys.executable, str(FOLDER / "gradcheck.py"), "--programs", "2", "--category", "elementwise"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert re.search(r"^\| elementwise \| [12] \| [012] \|$", found, re.MULTILINE)
    assert re.search(r"gradcheck rejects [012] of [12] verified kernels", found)
    assert "warpsmith calls 0 of 2 kernels a new failure." in found


def test_programs_of_false_alarms_are_spread_over_seeds_and_categories() -> None:
    module = benchmark("false_alarms")
    found = [place for place, _ in zip(module.places([4, 9], ["branch", "loop"]), range(6), strict=False)]
    assert found == [
        ("branch", 4, 0),
        ("loop", 4, 0),
        ("branch", 9, 0),
        ("loop", 9, 0),
        ("branch", 4, 1),
        ("loop", 4, 1),
    ]


def test_a_failure_that_no_known_issue_explains_is_new() -> None:
    module = benchmark("false_alarms")
    count, program = module.Count(), strategies.draw("elementwise", 1, 0)
    assert program is not None
    failure = failed(Failure(FailureKind.CRASH, "died of SIGSEGV"))
    module.note(count, ("elementwise", 1, 0), program, failure, None)
    module.note(count, ("elementwise", 1, 1), program, failure, "an-issue")
    module.note(count, ("elementwise", 1, 2), program, inconclusive("invalid program: it overflows"), None)
    assert dict(count.cells["elementwise"]) == {"new": 1, "known": 1, "discarded": 1}
    assert count.known == {"an-issue": 1}
    assert "SIGSEGV" in count.failures[0]


def test_the_coverage_of_the_code_generator_names_what_is_missed_most_first() -> None:
    module = benchmark("codegen_coverage")
    corpus = module.Reached(0.5, 0.25, {"emit_If": (1, 9), "emit_For": (4, 4), "emit_While": (2, 3)})
    tests = module.Reached(0.75, 0.5, {"emit_If": (9, 9)})
    lines = list(module.report(corpus, tests, 10))
    assert [line.split()[-2:] for line in lines[1:3]] == [["50.0%", "25.0%"], ["75.0%", "50.0%"]]
    assert lines[3].startswith("2 functions are not covered whole")
    assert ["emit_If" in lines[4], "9)" in lines[4], "emit_While" in lines[5]] == [True, True, True]
    assert module.code_generator().name == "codegen.py"
