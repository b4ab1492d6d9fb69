"""Whether it pays to steer hunts towards what no program of the campaign has had yet.

    python benchmarks/novelty.py [--programs 400] [--choices 2,4] [--seed N] [--no-lines]

*Plain* takes the programs of a hunt's stream as they come.  *Steered* draws several for each place and keeps the one
with most pairs of constructs that none before it has.  Drawing costs time that verifying then lacks, so both are given
the same time: what a program costs to draw and to verify is measured as CPU time of all processes, in this run.
Printed are the pairs of constructs (nodes by kind, operation and type) and the lines of Warp's code generator that each
way meets, the latter by generating the C++ of what it keeps, without a build.  Larger programs have more pairs, so the
nodes of what is kept are printed as well.

Needs the package `coverage` unless `--no-lines` is given.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Final

from codegen_coverage import BATCH, code_generator, generate
from processes import cpu_seconds

from harness.campaign.order import hunting_order
from harness.campaign.plan import Plan
from harness.sandbox import Sandbox
from harness.verify import verify_all
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Apply, Atomic, AugmentedAssign, Node, Program, size, walk
from strategies.language.render import render

#: Programs of which the cost of verifying is measured, in batches as a hunt's.
SAMPLE: Final = 48


def constructs(program: Program) -> frozenset[str]:
    """What a program is made of: each node by its kind, its operation and its type."""
    return frozenset(map(_construct, walk(program)))


def _construct(node: Node) -> str:
    operation = ""
    match node:
        case Apply() | Atomic():
            operation = node.op
        case AugmentedAssign():
            operation = node.operator
    of = getattr(node, "type", None)
    return f"{type(node).__name__} {operation} {getattr(of, 'notation', '')}"


def pairs(program: Program) -> set[tuple[str, str]]:
    """The pairs of constructs of a program."""
    return set(itertools.combinations(sorted(constructs(program)), 2))


def stream(seed: int) -> Iterator[Program]:
    """The programs of a hunt, in its order."""
    plan = Plan(seed, hunting_order(tuple(CATEGORIES)), hunt=True)
    for index in itertools.count():
        category, n = plan.place(index)
        program = draw(category, seed, n)
        if program is not None:
            yield program


def kept(programs: Iterator[Program], count: int, choices: int) -> tuple[list[Program], set[tuple[str, str]]]:
    """`count` programs, each that of `choices` with most new pairs, and all pairs that they have."""
    seen: set[tuple[str, str]] = set()
    found = []
    for _ in range(count):
        candidates = [(program, pairs(program)) for program in itertools.islice(programs, choices)]
        best, having = max(candidates, key=lambda candidate: len(candidate[1] - seen))
        found.append(best)
        seen |= having
    return found, seen


def costs(seed: int) -> tuple[float, float]:
    """CPU seconds to draw a program and find its pairs, and to verify one."""
    own = os.getpid()
    started = time.process_time()
    sample = list(itertools.islice(stream(seed), SAMPLE))
    for program in sample:
        pairs(program)
    drawing = (time.process_time() - started) / SAMPLE
    with Sandbox() as sandbox:
        verify_all(sample[:1], sandbox)
        before = cpu_seconds(own)
        for first in range(0, SAMPLE, BATCH):
            verify_all(sample[first : first + BATCH], sandbox)
        return drawing, (cpu_seconds(own) - before) / SAMPLE


def lines(programs: Sequence[Program], number: int) -> int:
    """The lines of the code generator that run for `programs`."""
    import coverage
    import warp as wp

    # what runs once, at the import and with the first kernel, belongs to none
    wp.config.log_level = 40
    wp.init()
    generate([(render(programs[0]), programs[0].name)], number - 1)
    file = str(code_generator())
    measuring = coverage.Coverage(data_file=None, include=[file])
    measuring.start()
    for first in range(0, len(programs), BATCH):
        batch = [(render(program), program.name) for program in programs[first : first + BATCH]]
        generate(batch, number + first)
    measuring.stop()
    return len(measuring.get_data().lines(file) or ())


def main() -> None:
    """Print a line for plain drawing, and one for each number of choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=400, help="programs that plain drawing has the time for")
    parser.add_argument("--choices", default="2,4", help="programs that steering chooses one of, separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-lines", action="store_true", help="count pairs alone")
    arguments = parser.parse_args()
    drawing, verifying = costs(arguments.seed)
    print(f"CPU ms a program: {1000 * drawing:.0f} to draw, {1000 * verifying:.0f} to verify", flush=True)
    for choices in (1, *map(int, arguments.choices.split(","))):
        count = round(arguments.programs * (drawing + verifying) / (choices * drawing + verifying))
        programs, seen = kept(stream(arguments.seed), count, choices)
        met = "" if arguments.no_lines else f", {lines(programs, 100_000 * choices)} lines of the code generator"
        what = "plain" if choices == 1 else f"one of {choices}"
        nodes = statistics.mean(map(size, programs))
        print(f"{what:10} {count:5} programs of {nodes:.0f} nodes: {len(seen):7} pairs{met}", flush=True)


if __name__ == "__main__":
    main()
