"""A loop with a static expression of its index is unrolled although it has a `break`, which then leaves the loop around it"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), y: wp.int32, out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = float(1.0)
    for n in range(y):
        for m in range(2):
            if m >= 1:
                break
            a += x[wp.static(m)]
    out[i] = a


def test_static_loop_break_leaves_outer():
    x = wp.array(np.array([1.259157], np.float32), dtype=wp.float32, requires_grad=True)
    y = 3
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
    expected, actual = 4.777470588684082, out.numpy()[0]
    assert abs(float(actual) - expected) <= 0.0, f"out: expected {expected}, got {actual}"
