"""The benchmarks, scaled down: they count what they say, and their tables are whole."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

from tiny import apply, kernel

import strategies
from harness.oracle.expectation import expect
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind, failed, invalid
from harness.warp_copy import installed_warp
from strategies.categories import CATEGORIES
from strategies.language.types import FLOAT32

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
    module.note(count, ("elementwise", 1, 2), program, invalid("invalid program: it overflows"), None)
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


HEADER = """
template <typename T> inline CUDA_CALLABLE void adj_twice(T a, T& adj_a, T adj_ret) \\
{ if (true) { adj_a += T(2) * adj_ret; } /* adj_a += adj_ret; */ }
inline CUDA_CALLABLE float once(float x) { y += x; return x; }
inline CUDA_CALLABLE void adj_outer(float a, float& adj_a, float adj_ret) { adj_twice<float>(a, adj_a, adj_ret); }
"""


def test_the_statements_of_adjoints_are_found_with_who_calls_them() -> None:
    module = benchmark("adjoints")
    (place,) = module.places({"some": HEADER})
    assert (place.function, place.target, place.value, place.line) == ("adj_twice", "adj_a", "T(2) * adj_ret", 3)
    assert HEADER[place.start : place.end] == "adj_a += T(2) * adj_ret;"
    assert module.reaching("adj_twice", module.callers({"some": HEADER})) == {"adj_twice", "adj_outer"}


def test_a_kernel_sees_a_wrong_adjoint_that_it_calls(sandbox: Sandbox) -> None:
    module = benchmark("adjoints")
    text = (installed_warp() / "native" / "builtin.h").read_text()
    wrong = text.replace("adj_x += cos(x)*adj_ret", "adj_x -= cos(x)*adj_ret")
    assert wrong != text
    expectations = [expect(kernel(FLOAT32, lambda a, b, op=op: apply(op, a))) for op in ("cos", "sin")]
    drawn = [module.Kernel(n, expectation, frozenset()) for n, expectation in enumerate(expectations)]
    assert module.first_to_fail(drawn, sandbox) is None
    with module.changed_warp("builtin", wrong) as changed:
        assert module.first_to_fail(drawn, changed) == 1


def test_the_table_of_reports_tells_small_and_quick_ones_from_others() -> None:
    sys.path.insert(0, str(FOLDER))
    try:
        table = benchmark("shrinking").table
    finally:
        sys.path.remove(str(FOLDER))
    good = {"id": "a01", "status": "killed", "bucket": "b", "nodes": 6, "seconds_to_report": 9.0}
    lines, well = table([good, {"id": "a02", "status": "survived", "bucket": "", "nodes": None}])
    assert well
    assert "nodes beyond the bare kernel: median 6, 90th percentile 6 (wanted 8 and 20), of 1" in lines
    assert lines[-1] == "1 killed of 2"
    assert not table([good, {**good, "nodes": 21}])[1]
    assert not table([good, good, {**good, "seconds_to_report": 61.0}])[1]
    assert not table([])[1]


def test_every_category_has_a_defect_of_its_own_in_the_installed_warp() -> None:
    found = benchmark("distinctive").planted_defects()
    assert list(found) == list(CATEGORIES)
    assert len({defect for _, defect in found.values()}) == len({what for what, _ in found.values()}) == len(CATEGORIES)
    for _, defect in found.values():
        text = (installed_warp() / defect.file).read_text(encoding="utf-8")
        assert defect.planted(text) != text


def test_the_table_of_distinctive_defects_counts_categories_that_became_small() -> None:
    module = benchmark("distinctive")
    small = module.Outcome("loop", "lost", 24, 7, [5, 6, 13])
    large = module.Outcome("tile", "exchanged", 12, 3, [13, 13, 5], others=1)
    rare = module.Outcome("tuple", "swapped", 60, 2, [5, 6])
    unseen = module.Outcome("struct", "overwritten", 60)
    assert [o.small for o in (small, large, rare, unseen)] == [True, False, False, False]
    lines = module.table([small, large, rare, unseen])
    assert lines[2:4] == [
        "| loop | lost | 24 | 7 | 6 | 13 |",
        "| tile | exchanged | 12 | 3 (1 became another) | 13 | 13 |",
    ]
    assert len({line.count("|") for line in lines[:6]}) == 1
    assert lines[-1] == "1 of 4 categories have a median of at most 12 nodes"


def test_what_a_long_campaign_leaves_behind_is_found(tmp_path: Path) -> None:
    sys.path.insert(0, str(FOLDER))
    try:
        endurance = benchmark("endurance")
    finally:
        sys.path.remove(str(FOLDER))
    for name in ("tmp", "cwd", "corpus/verified"):
        (tmp_path / name).mkdir(parents=True)
    assert endurance.left_files(tmp_path) == []
    (tmp_path / "tmp" / "left").touch()
    (tmp_path / "corpus" / "strange").touch()
    assert endurance.left_files(tmp_path) == ["tmp/left", "corpus/strange"]
    flat = [(float(at), 200 << 20) for at in range(100)]
    rising = [(float(at), (200 + 2 * at) << 20) for at in range(100)]
    assert endurance.grown({"worker": flat}) == []
    assert endurance.grown({"worker": rising}) == ["worker: 274 MB, then 374 MB"]
    assert endurance.left_processes(tmp_path) == []
    with subprocess.Popen(["sleep", "60"], env={endurance.MARK: str(tmp_path)}) as process:
        until = time.monotonic() + 30  # Popen may return before the kernel shows the environment
        while not (found := endurance.left_processes(tmp_path)) and time.monotonic() < until:
            time.sleep(0.01)
        assert len(found) == 1
        process.kill()
    seen = endurance.Watched(status=0, report={"draws": 1000, "counts": {"failure": 20}, "stop_reason": "seconds"})
    assert endurance.ended(seen) == []
    assert endurance.planted_rate(seen, 2.0) == []
    assert endurance.planted_rate(seen, 20.0) != []
    assert endurance.ended(endurance.Watched(status=-9, report=seen.report)) != []
