"""Names as people choose them, of which neither a category nor a seed can be told.

Every kernel has a name and a thread index, so those have pools of their own.  All else comes from one pool: outputs
called `out` and loop counters `kk` would tell a reader of nothing but the names whether a kernel has a loop, and a
model that is trained on such pairs would learn that instead of the code.
"""

from __future__ import annotations

from typing import Final

#: A kernel's name is a verb and a noun.
VERBS: Final = (
    "update", "compute", "apply", "blend", "scale", "mix", "shift", "map", "filter", "advance", "eval", "gather",
    "project", "combine", "refine", "step", "solve", "fold", "adjust", "sample",
)  # fmt: skip
NOUNS: Final = (
    "field", "state", "values", "points", "cells", "samples", "weights", "forces", "energy", "signal", "rows",
    "density", "flow", "pixels", "particles", "nodes", "levels", "costs", "phase", "profile",
)  # fmt: skip
#: The thread's indices, one for each dimension of the launch.
THREADS: Final = (
    ("i", "j", "k", "l"),
    ("tid", "ty", "tz", "tw"),
    ("row", "col", "layer", "block"),
    ("idx", "idy", "idz", "idw"),
)
#: Letters first, as the simplest.  No word is a keyword, a built-in of Python or C++, or a name of this project's
#: own; the longest kernels bind about a third of them.
NAMES: Final = (
    "a", "b", "c", "d", "e", "f", "g", "h", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w", "x",
    "y", "z", "x0", "x1", "y0", "dx", "dt", "du", "pos", "cur", "acc", "tmp", "res", "val",
    "eps", "rho", "phi", "alpha", "beta", "gamma", "theta", "omega", "base", "bias", "blend", "bound", "cell",
    "change", "coeff", "cost", "count", "data", "delta", "density", "depth", "diff", "edge", "energy", "error",
    "factor", "field", "flow", "force", "gain", "grid", "group", "height", "item", "key", "lane", "left", "level",
    "limit", "link", "load", "local", "low", "mark", "mass", "mean", "node", "offset", "part", "phase", "pixel",
    "point", "power", "probe", "profile", "quota", "radius", "rate", "ratio", "right", "scale", "score", "shade",
    "share", "shift", "side", "signal", "site", "slope", "slot", "source", "span", "speed", "state", "step",
    "target", "term", "token", "total", "trace", "value", "wave", "weight", "width", "zone",
)  # fmt: skip
#: What structs are called: words of the same pool, as classes are written.
STRUCTS: Final = tuple(name.capitalize() for name in NAMES if len(name) > 3)
#: Words of C++ that Python has no use for, and people give to things: Warp is known not to compile parameters and
#: fields that are called so.
KEYWORDS: Final = (
    "new", "default", "template", "union", "operator", "this", "register", "auto", "char", "short", "long", "double",
    "signed", "const", "private", "public", "delete", "switch", "mutable", "friend", "enum", "export", "struct",
    "static", "volatile", "virtual", "namespace", "inline", "explicit",
)  # fmt: skip
#: What Warp calls the operators of Python; a function of one of these names is known to be taken for the operator.
OPERATORS: Final = (
    "add", "sub", "mul", "div", "floordiv", "mod", "pow", "neg", "pos", "bit_and", "bit_or", "bit_xor", "invert",
    "lshift", "rshift", "unot",
)  # fmt: skip
#: A field of a struct that Warp is known to take for `wp.adjoint`.
ADJOINT: Final = "adjoint"
