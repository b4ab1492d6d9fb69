"""An array element is read after a call to its right has changed it"""

import numpy as np
import warp as wp


@wp.func
def f(out: wp.array(dtype=wp.int32), x: wp.int32):
    out[x] = 1
    return 0


@wp.kernel
def kernel(out: wp.array(dtype=wp.int32), out1: wp.array(dtype=wp.int32)):
    i = wp.tid()
    out1[i] = out[i] - f(out, i)


def test_element_read_after_call():
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out1 = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out, out1], device="cpu")
    expected, actual = 0.0, out1.numpy()[0]
    assert abs(float(actual) - expected) <= 0.0, f"out1: expected {expected}, got {actual}"
