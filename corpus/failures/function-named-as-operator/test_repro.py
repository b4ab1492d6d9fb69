"""A function that is called `mod`, `sub`, `mul`, and uses that operator on what it is given, calls itself for ever"""

import numpy as np
import warp as wp


@wp.func
def mul(t: wp.float32, total: wp.float32):
    return total * t, 1.0


@wp.kernel
def solve_flow(y0: wp.array(dtype=wp.float32)):
    col = wp.tid()
    weight, scale = mul(1.0, 1.0)
    y0[col] = weight


def test_function_named_as_operator():
    y0 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(solve_flow, dim=(1,), inputs=[y0], device="cpu")
