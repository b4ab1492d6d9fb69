"""A chained comparison evaluates all of its operands, those behind a link that does not hold too"""

import numpy as np
import warp as wp


@wp.func
def f(out: wp.array(dtype=wp.int32), x: wp.int32):
    out[x] = 1
    return 0


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.int32),
    out1: wp.array(dtype=bool),
    out2: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    out1[i] = 0 < i <= f(out, i)
    out2[i] = x[i]


def test_comparison_chain_no_short_circuit():
    x = wp.array(np.array([1.8477207], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out1 = wp.array(np.array([True], np.bool_), dtype=bool, requires_grad=True)
    out2 = wp.array(np.array([-0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out, out1, out2], device="cpu")
    expected, actual = 0.0, out.numpy()[0]
    assert abs(float(actual) - expected) <= 0.0, f"out: expected {expected}, got {actual}"
