"""How much of Warp's own code generator a corpus reaches, beside what Warp's shipped tests reach in the same run.

    python benchmarks/codegen_coverage.py [--corpus DIR] [--records N] [--draws N] [--tests PATTERN …] [--seconds S]

Each stored program is rebuilt, code generation alone: no C++ is compiled.  Line and branch coverage of `codegen.py` are
printed, with the functions that the corpus leaves uncovered and whether Warp's tests reach them.  Warp's tests, where
the wheel ships them, are run file by file on the CPU, with their builds, until `--seconds` have passed.

Needs the package `coverage`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import linecache
import os
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from corpus.store import Store
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Program
from strategies.language.render import render

ROOT: Final = Path(__file__).resolve().parent.parent
#: Warp's test files about what kernels are made of; the others exercise arrays, rendering and interoperation.
TESTS: Final = ("test_codegen*", "test_struct*", "test_func*", "test_lvalue*", "test_grad*", "test_conditional*")
#: Kernels whose modules are generated together.
BATCH: Final = 16


def code_generator() -> Path:
    """The file of the installed Warp's code generator: it moved with 1.10."""
    spec = importlib.util.find_spec("warp")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("Warp is not installed")
    folder = Path(next(iter(spec.submodule_search_locations)))
    for path in (folder / "_src" / "codegen.py", folder / "codegen.py"):
        if path.exists() and path.stat().st_size > 10_000:
            return path
    raise SystemExit(f"there is no codegen.py in {folder}")


def test_files(patterns: Sequence[str]) -> list[Path]:
    """The test files that Warp ships and that match a pattern."""
    folder = code_generator().parent
    folder = (folder.parent if folder.name == "_src" else folder) / "tests"
    return sorted({path for pattern in patterns for path in folder.glob(f"{pattern}.py")})


# ---------------------------------------------------------------- the corpus, in a process of its own


def generate(sources: Sequence[tuple[str, str]], number: int) -> int:
    """Let Warp generate the C++ of kernels, given as source and name; how many it refused."""
    import warp as wp

    try:
        from warp._src.context import ModuleBuilder
    except ImportError:
        from warp.context import ModuleBuilder  # type: ignore[no-redef]

    kernels: list[Any] = []
    for n, (source, name) in enumerate(sources):
        called = f"coverage_{number}_{n}"
        module = types.ModuleType(called)
        filename = f"{called}.py"
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        sys.modules[called] = module
        exec(compile(source, filename, "exec"), module.__dict__)
        kernels.append(module.__dict__[name])
    refused = 0
    for kernel in kernels:
        try:
            ModuleBuilder(kernel.module, kernel.module.options | {"output_arch": None}).codegen("cpu")
        except Exception:
            refused += 1
        wp.context.user_modules.pop(kernel.module.name, None) if hasattr(wp, "context") else None
    return refused


def programs(corpus: Path, records: int, draws: int) -> Iterator[Program]:
    """The first `records` programs of a corpus, or `draws` fresh ones of every category."""
    if draws:
        found = (draw(category, 0, index) for category in CATEGORIES for index in range(draws))
        yield from (program for program in found if program is not None)
        return
    for n, record in enumerate(Store.open(corpus, write=False).records()):
        if records and n == records:
            return
        yield record.program


def collect(corpus: Path, records: int, draws: int) -> None:
    """Generate the C++ of programs."""
    import warp as wp

    wp.config.log_level = 40
    wp.init()
    batch: list[tuple[str, str]] = []
    done = refused = number = 0
    for program in programs(corpus, records, draws):
        batch.append((render(program), program.name))
        if len(batch) == BATCH:
            refused += generate(batch, number)
            done, number, batch = done + len(batch), number + 1, []
    refused += generate(batch, number)
    print(f"generated the C++ of {done + len(batch)} kernels; Warp refused {refused}")


# ---------------------------------------------------------------- measuring


class Reached(NamedTuple):
    """What a run reached of the code generator, by `coverage json`."""

    lines: float
    branches: float
    #: of each function the lines that were reached, and all of them
    functions: dict[str, tuple[int, int]]


def measured(command: Sequence[str], data: Path, seconds: float) -> bool:
    """Run Python with `command` under branch coverage of the code generator; whether it ended in time."""
    run = [sys.executable, "-m", "coverage", "run", "--branch", f"--include={code_generator()}", "--append"]
    # a kernel that Warp finds in its cache is not generated again
    cache = {"WARP_CACHE_PATH": str(data.parent / "kernels")}
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(ROOT),
        "COVERAGE_FILE": str(data),
        **cache,
    }
    try:
        subprocess.run([*run, *command], env=environment, timeout=seconds, check=False, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return False
    return True


def reached(data: Path) -> Reached:
    """What the runs that wrote `data` reached together."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", file.name]
        subprocess.run(command, env={**os.environ, "COVERAGE_FILE": str(data)}, check=True)
        (found,) = json.loads(Path(file.name).read_text())["files"].values()
    summary = found["summary"]
    functions = {
        name: (entry["summary"]["covered_lines"], entry["summary"]["num_statements"])
        for name, entry in found.get("functions", {}).items()
        if name
    }
    return Reached(
        summary["covered_lines"] / summary["num_statements"],
        summary["covered_branches"] / max(summary["num_branches"], 1),
        functions,
    )


def run_tests(patterns: Sequence[str], data: Path, seconds: float) -> tuple[int, int]:
    """Run Warp's tests until the time is up: how many files were run to their end, and how many there are."""
    files, deadline, ended = test_files(patterns), time.monotonic() + seconds, 0
    for path in files:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        ended += measured(["-m", "unittest", "-q", f"warp.tests.{path.stem}"], data, left)
    return ended, len(files)


def report(corpus: Reached, tests: Reached | None, shown: int) -> Iterator[str]:
    """The lines of the comparison."""
    yield f"{'':12}{'lines':>8}{'branches':>10}"
    yield f"{'corpus':12}{corpus.lines:>8.1%}{corpus.branches:>10.1%}"
    if tests is not None:
        yield f"{'Warp tests':12}{tests.lines:>8.1%}{tests.branches:>10.1%}"
    missed = [(all_ - covered, name, covered, all_) for name, (covered, all_) in corpus.functions.items()]
    missed = sorted((m for m in missed if m[0]), key=lambda m: (-m[0], m[1]))
    yield f"{len(missed)} functions are not covered whole; by uncovered lines:"
    for lines, name, covered, all_ in missed[:shown]:
        other = "" if tests is None else f"  (Warp's tests: {tests.functions.get(name, (0, 0))[0]})"
        yield f"  {lines:5} of {all_:4} lines of {name}: {covered} reached{other}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=ROOT / "corpus")
    parser.add_argument("--records", type=int, default=0, help="the first N records alone; 0 for all")
    parser.add_argument("--draws", type=int, default=0, help="fresh programs of each category instead of a corpus")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="patterns of Warp's test files")
    parser.add_argument("--seconds", type=float, default=600.0, help="for Warp's tests; 0 leaves them out")
    parser.add_argument("--functions", type=int, default=40, help="uncovered functions that are listed")
    parser.add_argument("--collect", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.collect:
        collect(arguments.corpus, arguments.records, arguments.draws)
        return
    with tempfile.TemporaryDirectory(prefix="warpsmith-coverage-") as folder:
        ours, theirs = Path(folder) / "corpus.data", Path(folder) / "tests.data"
        own = [__file__, "--collect", "--corpus", str(arguments.corpus), "--records", str(arguments.records)]
        own += ["--draws", str(arguments.draws)]
        if not measured(own, ours, 3600.0):
            raise SystemExit("the corpus was not generated within an hour")
        tests = None
        if arguments.seconds and test_files(arguments.tests):
            ended, files = run_tests(arguments.tests, theirs, arguments.seconds)
            print(f"Warp's tests: {ended} of {files} files run to their end")
            tests = reached(theirs) if theirs.exists() else None
        for line in report(reached(ours), tests, arguments.functions):
            print(line)


if __name__ == "__main__":
    main()
