"""A condition that is an array element or a field is read again after the branch has changed it"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float32),
    out: wp.array(dtype=bool),
    out1: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    a = 1.0
    if out[i]:
        a = x[i]
        out[i] = False
    out1[i] = a


def test_condition_reread_after_body():
    x = wp.array(np.array([0.7480292], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([True], np.bool_), dtype=bool, requires_grad=True)
    out1 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
    expected, actual = 0.7480291724205017, out1.numpy()[0]
    assert abs(float(actual) - expected) <= 0.0, f"out1: expected {expected}, got {actual}"
