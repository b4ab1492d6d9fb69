"""Which of the two codes of a kernel a launch on the CPU runs.

Warp compiles a kernel of one dimension twice, for contiguous arrays and for any others, and decides at each launch by
the strides of the arrays, and in the backward pass of their gradients: one array that has none sends it to the code
for strided arrays.
"""

from __future__ import annotations

import re
from typing import Final

from harness.jobs import ArrayArgument, Launch
from strategies.language.nodes import Program

#: What layouts are followed by if the code for contiguous arrays alone exists and both passes ran it.
SPECIALIZED: Final = "specialized"

_DECISION: Final = re.compile(r"const bool wp_linear_contiguous = (.*);")
_STRIDE: Final = re.compile(r"_wp_(adj_)?args->(\w+)\.strides\[0\] == ")


def runs_specialized_code(program: Program, cpp: str, launch: Launch) -> bool:
    """Whether both passes of a launch run the code for contiguous arrays alone; there may be none."""
    decisions = _DECISION.findall(cpp)
    if len(decisions) < 2 or not launch.backward:
        return False
    arguments = {p.name: a for p, a in zip(program.parameters, launch.arguments, strict=True)}
    for gradient, name in (found for decision in decisions for found in _STRIDE.findall(decision)):
        argument = arguments.get(name)
        if not isinstance(argument, ArrayArgument) or argument.stride != 1 or (gradient and not argument.gradient):
            return False
    return True
