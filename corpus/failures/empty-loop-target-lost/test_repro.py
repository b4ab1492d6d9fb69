"""A dynamic loop that runs no iteration leaves its target without the value that it had before"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.int32, out: wp.array(dtype=wp.int32), out1: wp.array(dtype=wp.float64)):
    i = wp.tid()
    a = 2
    b = wp.float64(1.0)
    for a in range(x, 1):
        b = wp.float64(1.0)
    out[i] = a
    out1[i] = b


def test_empty_loop_target_lost():
    x = 1
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out1 = wp.array(np.array([0.0], np.float64), dtype=wp.float64, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
    expected, actual = 2.0, out.numpy()[0]
    assert abs(float(actual) - expected) <= 0.0, f"out: expected {expected}, got {actual}"
