"""Names, all from one pool: neither a category, nor the part that a name plays, nor a seed can be told from them.

A pool for each part, outputs called `out` and loop counters `kk`, would tell a reader of nothing but the names
whether a kernel has a loop: a model that is trained on such pairs learns that instead of the code.  So every word
here may name a kernel, a parameter, a thread index or a local, and which it names is drawn without regard to
anything else.
"""

from __future__ import annotations

from typing import Final

#: Letters first, as the simplest.  No word is a keyword, a built-in of Python or C++, or a name of this project's
#: own; the longest kernels bind about a third of them.
NAMES: Final = (
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w", "x",
    "y", "z", "x0", "x1", "y0", "dx", "dt", "du", "idx", "row", "col", "pos", "cur", "acc", "tmp", "res", "val",
    "eps", "rho", "phi", "alpha", "beta", "gamma", "theta", "omega", "base", "bias", "blend", "bound", "cell",
    "change", "coeff", "cost", "count", "data", "delta", "density", "depth", "diff", "edge", "energy", "error",
    "factor", "field", "flow", "force", "gain", "grid", "group", "height", "item", "key", "lane", "left", "level",
    "limit", "link", "load", "local", "low", "mark", "mass", "mean", "node", "offset", "part", "phase", "pixel",
    "point", "power", "probe", "profile", "quota", "radius", "rate", "ratio", "right", "scale", "score", "shade",
    "share", "shift", "side", "signal", "site", "slope", "slot", "source", "span", "speed", "state", "step",
    "target", "term", "token", "total", "trace", "value", "wave", "weight", "width", "zone",
)  # fmt: skip
