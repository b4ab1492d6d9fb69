"""Names as people choose them: from one pool, whatever the category, so that they tell nothing of it."""

from __future__ import annotations

from typing import Final

VERBS: Final = (
    "update", "compute", "apply", "blend", "scale", "mix", "shift", "map", "filter", "advance", "eval", "gather",
    "project", "combine", "transform", "step", "solve", "fold", "adjust", "sample",
)  # fmt: skip
NOUNS: Final = (
    "field", "state", "values", "points", "cells", "samples", "weights", "forces", "energy", "signal", "rows",
    "density", "flow", "pixels", "particles", "nodes", "levels", "costs", "phase", "profile",
)  # fmt: skip
PARAMETERS: Final = (
    "a", "b", "c", "x", "y", "src", "data", "values", "weights", "coeffs", "field", "input", "samples", "points",
    "u", "v", "p", "q", "rho", "phi", "mass", "height", "speed", "cost",
)  # fmt: skip
SCALARS: Final = (
    "alpha", "beta", "gamma", "dt", "scale", "offset", "limit", "rate", "bias", "count", "gain", "threshold", "n",
    "m", "k", "width", "level", "radius", "eps", "factor",
)  # fmt: skip
OUTPUTS: Final = ("out", "result", "dst", "output", "res", "target", "total", "dest")
LOCALS: Final = (
    "t", "s", "r", "w", "z", "tmp", "acc", "value", "delta", "left", "right", "base", "h", "g", "d", "e",
    "mean", "diff", "norm", "slope", "low", "high", "part", "term", "local", "error", "ratio", "power", "shade",
    "cur", "prev", "step_size", "blend_value", "amount",
)  # fmt: skip
THREADS: Final = (
    ("i", "j", "k", "l"),
    ("tid", "ty", "tz", "tw"),
    ("row", "col", "layer", "block"),
    ("idx", "idy", "idz", "idw"),
)
LOOPS: Final = ("it", "jj", "nn", "kk", "pos", "lap", "turn", "m0", "q1", "hop")
