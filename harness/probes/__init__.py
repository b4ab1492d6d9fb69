"""Second ways of running a program, which must give what the first way gave.

A probe takes what the plain build of a batch gave and runs the same programs in another way: under another option
of Warp, from other generated text, or written otherwise with the same meaning.  Hunts deal probes out by the number
of a batch, so that most batches stay plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from harness.probes.hashes import HASHES
from harness.probes.host_cuda import HostCuda
from harness.probes.metamorphic import METAMORPHIC, SPELLINGS
from harness.probes.probe import Probe, Probed, Ran, probed
from harness.probes.redefined import REDEFINITIONS
from harness.probes.sweeps import SWEEPS
from harness.probes.tapes import TAPES
from strategies.language.nodes import Program

__all__ = ["PROBES", "Probe", "Probed", "Ran", "other_spelling", "probe_of_batch", "probed"]

PROBES: Final[dict[str, Probe]] = {
    probe.name: probe
    for probe in (
        HostCuda(),
        *(p for turn in zip_longest(METAMORPHIC, SWEEPS, HASHES, TAPES) for p in turn if p),
        *REDEFINITIONS.values(),
    )
}
"""By name, in the order in which a hunt comes to them."""

PROBE_GAP: Final = 8
"""One batch in so many is probed: a probe builds its batch a second time, and in a class of its own Warp's header."""
FIRST_PROBED: Final = 6


def other_spelling(program: Program, name: str) -> Program:
    """What the probe `name` builds in the place of `program`; the same object unless it writes it otherwise."""
    return SPELLINGS[name].other(program) if name in SPELLINGS else program


def probe_of_batch(number: int, names: Sequence[str] | None = None) -> Probe | None:
    """The probe that a hunt applies to a batch, by its number; with `names`, those in turn, to every batch."""
    if names:
        return PROBES[names[number % len(names)]]
    turn, position = divmod(number, PROBE_GAP)
    return list(PROBES.values())[turn % len(PROBES)] if position == FIRST_PROBED else None
