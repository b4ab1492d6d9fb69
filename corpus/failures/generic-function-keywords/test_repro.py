"""A generic function finds no overload if a call names one of its arguments"""

from typing import Any

import numpy as np
import warp as wp


@wp.func
def left(zone: Any, slope: Any):
    return slope if zone >= 1.0 else zone


@wp.kernel
def eval_rows(flow: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = left(flow[i], slope=1.0)


def test_generic_function_keywords():
    flow = wp.array(np.array([0.92682844], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(eval_rows, dim=(1,), inputs=[flow, out], device="cpu")
