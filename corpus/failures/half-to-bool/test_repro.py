"""`bool(x)` of a float16 does not compile"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float16),
    y: wp.array(dtype=wp.float16),
    out: wp.array(dtype=wp.float16),
):
    i = wp.tid()
    out[i] = y[i] if bool(x[i]) else wp.float16(1.0)


def test_half_to_bool():
    x = wp.array(np.array([0.8027], np.float16), dtype=wp.float16, requires_grad=True)
    y = wp.array(np.array([1.777], np.float16), dtype=wp.float16, requires_grad=True)
    out = wp.array(np.array([0.0], np.float16), dtype=wp.float16, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
