"""What it costs to build kernels, by the size of a batch: the reason for `harness.campaign.plan.BATCH`.

    python benchmarks/building.py [--programs 96] [--seed 0] [--sizes 6,12,24,48,96]

Each batch is built, and not run, in a child forked from a parent that has imported Warp and built its header, which is
how the sandbox does it; a child's CPU time is taken from the operating system.  The columns: as Warp comes, without
optimization; with a header that holds the instances of its own templates, as warpsmith builds; Warp's default level.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import pickle
import select
import shutil
import sys
import tempfile
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from harness.campaign.plan import Plan
from harness.worker import imported
from harness.worker.building import define, generated, load, quick_to_build
from harness.worker.parent import import_warp
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.render import render

#: The options of a module, by the title of their column.
WAYS: dict[str, dict[str, Any]] = {
    "level 0": {"optimization_level": 0},
    "level 0, shared instances": {"optimization_level": 0, "shared": True},
    "default level": {},
}


class _Child(NamedTuple):
    pid: int
    reading: int
    folder: str


class Builder:
    """A process that has imported Warp and built its headers, and forks a child for each batch.

    Of its children `at_once` run at a time: processes share caches, memory and perhaps the halves of a core, so that
    what is compared must run in equal company.
    """

    def __init__(self, root: str, at_once: int = 1) -> None:
        self._root = root
        self._at_once = at_once
        self._batches = 0
        os.environ["TMPDIR"] = root
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        hello = import_warp(root)
        if "error" in hello:
            raise SystemExit(hello["error"])
        with _quiet():
            for options in WAYS.values():
                _build(["import warp as wp\n\n\n@wp.kernel\ndef k0(n: wp.int32):\n    i = wp.tid()\n"], options, "warm")

    def in_children(self, works: Iterable[Callable[[str], Any]]) -> list[tuple[float, Any] | None]:
        """Have children do `works`, each in a folder of its own and `at_once` at a time.

        For each its CPU seconds and what the work returned, in the order of `works`; None where it could not be done.
        """
        answers: dict[int, tuple[float, Any] | None] = {}
        running: dict[int, tuple[int, _Child]] = {}
        for n, work in enumerate(works):
            if len(running) == self._at_once:
                self._await_one(running, answers)
            child = self._start(work)
            running[child.reading] = n, child
        while running:
            self._await_one(running, answers)
        return [answers[n] for n in sorted(answers)]

    def _await_one(self, running: dict[int, tuple[int, _Child]], answers: dict[int, tuple[float, Any] | None]) -> None:
        ready = select.select(list(running), [], [])[0][0]
        n, child = running.pop(ready)
        answers[n] = self._end(child)

    def _start(self, work: Callable[[str], Any]) -> _Child:
        folder = os.path.join(self._root, f"batch-{self._batches}")
        os.mkdir(folder)
        self._batches += 1
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                with _quiet():
                    imported.wp.config.kernel_cache_dir = os.path.join(folder, "cache")
                    os.write(writing, pickle.dumps(work(folder)))
            finally:
                os._exit(0)
        os.close(writing)
        return _Child(pid, reading, folder)

    def _end(self, child: _Child) -> tuple[float, Any] | None:
        with os.fdopen(child.reading, "rb") as file:
            answer = file.read()
        _, status, used = os.wait4(child.pid, 0)
        shutil.rmtree(child.folder, ignore_errors=True)
        if status != 0 or not answer:
            return None
        return used.ru_utime + used.ru_stime, pickle.loads(answer)

    def seconds(self, sources: Sequence[str], size: int, way: str) -> float:
        """CPU seconds to build `sources`, whose kernels are called k0, k1 and so on, in batches of `size`.

        A batch that does not compile, since two of its kernels get in each other's way, is built in halves; what was
        spent on it in vain is not counted.
        """
        batches = [sources[start : start + size] for start in range(0, len(sources), size)]
        total = 0.0
        while batches:
            works = [functools.partial(_build_in, batch, WAYS[way]) for batch in batches]
            halves = []
            for batch, answer in zip(batches, self.in_children(works), strict=True):
                if answer is not None:
                    total += answer[0]
                elif len(batch) == 1:
                    raise SystemExit(f"this does not compile:\n{batch[0]}")
                else:
                    halves += [batch[: -(-len(batch) // 2)], batch[-(-len(batch) // 2) :]]
            batches = halves
        return total

    def compiling(self, sources: Sequence[str]) -> list[str]:
        """Those of `sources` that compile: some kernels show that Warp is wrong by what does not."""
        answers = self.in_children(functools.partial(_build_in, [source], WAYS["level 0"]) for source in sources)
        return [source for source, answer in zip(sources, answers, strict=True) if answer is not None]

    def generating_seconds(self, sources: Sequence[str], size: int) -> float:
        """CPU seconds to have Warp write the C++ of `sources`, without compiling it."""
        batches = [sources[start : start + size] for start in range(0, len(sources), size)]
        answers = self.in_children(functools.partial(_generate, batch) for batch in batches)
        if None in answers:
            raise SystemExit("Warp does not write the text of a batch")
        return sum(answer[0] for answer in answers if answer is not None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the C++ compiler says of generated text goes nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _define(sources: Sequence[str], options: dict[str, Any], name: str) -> Any:
    plain = {key: value for key, value in options.items() if key != "shared"}
    plain = quick_to_build(plain) if options.get("shared") else plain
    imported.wp.set_module_options(plain, types.ModuleType(name))
    kernel = None
    for n, source in enumerate(sources):
        entry = source.rpartition("@wp.kernel")[2].partition("def ")[2].partition("(")[0]
        kernel = define(source, entry, f"kernel_{n}.py", name)
    return kernel.module


def _build_in(sources: Sequence[str], options: dict[str, Any], folder: str) -> None:
    _build(sources, options, "batch")


def _build(sources: Sequence[str], options: dict[str, Any], name: str) -> None:
    load(_define(sources, options, f"{name}_{len(sources)}_{options.get('optimization_level')}"), "cpu")


class _Written(Exception):
    """The text is written; what would follow is the compiler."""


def _generate(sources: Sequence[str], folder: str) -> None:
    import warp._src.build

    def stop(*arguments: Any, **more: Any) -> None:
        raise _Written

    warp._src.build.build_cpu = stop
    with contextlib.suppress(_Written):
        _build(sources, WAYS["level 0"], "text")
    assert generated(folder, "cpp"), "Warp wrote no text"


def programs(count: int, seed: int) -> Iterator[Any]:
    """The first programs of a campaign, all categories in turn."""
    plan = Plan(seed, tuple(CATEGORIES))
    for index in range(count):
        category, n = plan.place(index)
        program = draw(category, seed, n)
        if program is not None:
            yield program


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=96)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", default="6,12,24,48,96")
    given = parser.parse_args(arguments)
    drawn = [render(program, f"k{n}") for n, program in enumerate(programs(given.programs, given.seed))]
    with tempfile.TemporaryDirectory() as root:
        builder = Builder(root)
        sources = builder.compiling(drawn)
        print(f"{len(sources)} of {len(drawn)} programs; the others do not compile\n")
        print("CPU milliseconds a kernel\n\n| batch | " + " | ".join(WAYS) + " |\n|---:|" + "---:|" * len(WAYS))
        for size in map(int, given.sizes.split(",")):
            cost = [1000 * builder.seconds(sources, size, way) / len(sources) for way in WAYS]
            print(f"| {size} | " + " | ".join(f"{of:.0f}" for of in cost) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
