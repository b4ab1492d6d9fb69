"""A constant defined in a dynamic loop inside an unrolled loop is refused as a changed constant"""

import numpy as np
import warp as wp


@wp.kernel
def scale_points(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32), n: wp.int32):
    i = wp.tid()
    a = x[i]
    for k in range(2):
        for m in range(n):
            c = 1.0
            a = c
    out[i] = a


def test_loop_constant_redefined():
    x = wp.array(np.array([1.2316126], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    n = 0
    wp.launch(scale_points, dim=(1,), inputs=[x, out, n], device="cpu")
