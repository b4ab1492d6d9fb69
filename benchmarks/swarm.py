"""What it brings that each program does without some features, at equal numbers of programs, and nothing is built.

    python benchmarks/swarm.py [--programs 25] [--seed N]

`--programs` of each category are drawn by `strategies.weights.WEIGHTS`, and as many without swarm testing.  Printed are
the pairs of constructs (as `warpsmith stats` counts them) that meet in any program, how often rare ones do, and the
numbers of statements.  A pair is *rare* if at most one in 500 of both kinds of programs together has it, so that which
pairs are rare favours neither.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from corpus.pairs import is_construct
from corpus.record import features
from corpus.statistics import count_statements
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Program
from strategies.weights import WEIGHTS, Swarm, Weights

RARE: Final = 1 / 500
PLAIN: Final = dataclasses.replace(WEIGHTS, swarm=Swarm(kept=(100,), dense=1, distinctive=1))


def programs(seed: int, count: int, weights: Weights) -> Iterator[Program]:
    """`count` programs of each category."""
    for category in CATEGORIES:
        for index in range(count):
            program = draw(category, seed, index, weights)
            if program is not None:
                yield program


def main() -> None:
    """Draw, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=77)
    given = parser.parse_args()
    met: dict[str, Counter[tuple[str, str]]] = {}
    for name, weights in (("plain", PLAIN), ("swarm", WEIGHTS)):
        drawn = list(programs(given.seed, given.programs, weights))
        met[name] = Counter(
            pair for program in drawn for pair in combinations(filter(is_construct, features(program)), 2)
        )
        sizes = sorted(map(count_statements, drawn))
        print(
            f"{name}: {len(drawn)} programs of {sizes[0]} to {sizes[-1]} statements, median "
            f"{statistics.median(sizes):g}; {len(met[name])} pairs of constructs meet"
        )
    together = met["plain"] + met["swarm"]
    rare = [pair for pair, count in together.items() if count <= 2 * RARE * given.programs * len(CATEGORIES)]
    forms = [pair for pair in rare if not any(feature.startswith("op:") for feature in pair)]
    for kind, pairs in (("all constructs", rare), ("statements and forms alone", forms)):
        for name, counts in met.items():
            meetings = sum(counts[pair] for pair in pairs)
            print(
                f"{name}, {kind}: of {len(pairs)} rare pairs {sum(p in counts for p in pairs)} meet, {meetings} times"
            )


if __name__ == "__main__":
    main()
