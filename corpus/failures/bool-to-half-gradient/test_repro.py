"""`wp.float16(flag)` of a truth value does not compile with a backward pass"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float16), out: wp.array(dtype=wp.float16)):
    i = wp.tid()
    out[i] = wp.float16(x[i] > wp.float16(1.0))


def test_bool_to_half_gradient():
    x = wp.array(np.array([0.726], np.float16), dtype=wp.float16, requires_grad=True)
    out = wp.array(np.array([0.0], np.float16), dtype=wp.float16, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
