"""The pair that a verified program becomes, and where it came from."""

from __future__ import annotations

import importlib.metadata
from functools import cache

from corpus.record import Provenance, Record, Verification, make_record
from harness.jobs import BuildOptions, Versions
from harness.verdict import Tier, Verdict
from strategies.language.nodes import Program


def make_provenance(versions: Versions, seed: int, index: int) -> Provenance:
    """Where a program came from, given the versions in the sandbox."""
    return Provenance(
        warp=versions.warp,
        numpy=versions.numpy,
        hypothesis=_hypothesis_version(),
        warpsmith=own_version(),
        seed=seed,
        index=index,
    )


@cache
def _hypothesis_version() -> str:
    return importlib.metadata.version("hypothesis")


@cache
def own_version() -> str:
    """The version of warpsmith, or "checkout" where it is used without being installed."""
    try:
        return importlib.metadata.version("warpsmith")
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def make_pair(program: Program, verdict: Verdict, options: BuildOptions, provenance: Provenance) -> Record:
    """The record of a verified program."""
    assert verdict.cpp is not None
    assert verdict.tier is not None
    figures = verdict.figures
    backward = verdict.tier is Tier.BACKWARD
    level = options.optimization_level
    return make_record(
        program,
        cpp=verdict.cpp,
        cuda=verdict.cuda,
        verification=Verification(
            tier="backward" if backward else "forward",
            reason=verdict.reason,
            devices=verdict.devices,
            forward_error=figures.forward_error,
            forward_tolerance=figures.forward_tolerance,
            gradient_error=figures.gradient_error if backward else None,
            gradient_tolerance=figures.gradient_tolerance if backward else None,
            cells_checked=figures.cells_checked,
            gradients_checked=figures.gradients_checked,
            median_gradient_tolerance=figures.median_gradient_tolerance,
            inputs_seed=verdict.inputs_seed,
            launch=program.launch,
            layouts=verdict.layouts,
            options={
                "block_dim": 1,
                "optimization_level": "default" if level is None else level,
                **options.module,
            },
        ),
        provenance=provenance,
    )
