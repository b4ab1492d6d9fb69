"""What decides a campaign's programs, and how each is built."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Final

from harness.jobs import BuildOptions
from harness.probes import Probe, probe_of_batch
from harness.shrink import Limits

BATCH: Final = 16
"""Programs that are built together.  What a batch costs besides its kernels is shared by so many; beyond this there
is less than a twentieth to win (`benchmarks/building.py`), and one kernel that does not compile, of which there is one
in 100, has the others built again."""

SAMPLE: Final = 64
"""Every so many batches one is built at Warp's default optimization level, which takes four times as long
and hides what level 0 shows.  Whole batches, since a batch has one level."""

HUNT_LEVELS: Final = tuple(level for last in (None, 2, 3, 1) for level in (*[0] * 23, last))
"""The optimization levels that a hunt goes through, a batch each; None is Warp's default.  Level 0 hides
nothing and is the quickest: the others take four times as long.  With
one batch of four at those a hunt spent half of its time on them, with one of twelve a fourth; with one of 24 it is a
seventh, and none of it falls into the first minute."""

PROBED: Final = BuildOptions(optimization_level=0, digest=True)
"""How a batch that is probed is built plainly."""

CUDA_ARCH: Final = 90
"""The architecture that CUDA text is compiled for: sm_90, which every NVRTC that Warp ships knows."""


@dataclass(frozen=True)
class Plan:
    """What decides a campaign's programs and how each is verified: the same plan gives the same results.

    Programs come from the categories in turn: program `i` of a campaign from category `i % n`, the next of its
    stream.  A category may be listed more than once.
    """

    seed: int
    categories: tuple[str, ...]
    hunt: bool = False
    check_cuda: bool = False
    #: the CUDA device that kernels are run on as well, if there is one
    device: str | None = None
    #: for reducing one failure
    limits: Limits = field(default_factory=Limits)
    #: whether known issues are reduced as well, so that each can have a case
    keep_known: bool = False
    #: whether the first new failure is the last, so that others met while it is reduced are let go
    fail_fast: bool = False
    #: the probes of a hunt, by name, for every batch in turn; if there are none, a few batches get one each
    probes: tuple[str, ...] = ()
    #: the interpreter whose Warp builds and runs
    python: str = sys.executable

    @property
    def campaign(self) -> str:
        """The name of the campaign: all that changes which programs are drawn."""
        return f"seed={self.seed} categories={','.join(self.categories)}"

    def place(self, index: int) -> tuple[str, int]:
        """The category of a program of the campaign, and its index in that category's stream."""
        turn, position = divmod(index, len(self.categories))
        category = self.categories[position]
        return category, turn * self.categories.count(category) + self.categories[:position].count(category)

    def probe(self, index: int) -> Probe | None:
        """In which second way a program of a hunt is run; the same for a whole batch."""
        return probe_of_batch(index // BATCH, self.probes) if self.hunt else None

    def options(self, index: int) -> BuildOptions:
        """How a program of the campaign is built; the same for a whole batch."""
        if self.probe(index) is not None:
            return PROBED
        number = index // BATCH
        level: int | None = 0
        if self.hunt:
            level = HUNT_LEVELS[number % len(HUNT_LEVELS)]
        elif number % SAMPLE == SAMPLE - 1:
            level = None
        return BuildOptions(optimization_level=level, cuda_arch=CUDA_ARCH if self.check_cuda else None)

    @staticmethod
    def batch(index: int) -> range:
        """The indices of the batch that `index` is in.

        A batch is built as a whole even if only a part of it is wanted: Warp names the instances of functions that take
        functions by how many of one name it met before in the batch.
        """
        start = index // BATCH * BATCH
        return range(start, start + BATCH)
