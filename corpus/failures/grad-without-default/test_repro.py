"""`wp.grad(f)(x)` of a function whose other parameter has a default becomes C++ that does not compile"""

import numpy as np
import warp as wp


@wp.func
def f(x: wp.float32, y: wp.float32 = 1.0):
    return x - y


@wp.kernel
def kernel(out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a, b = wp.grad(f)(1.0)
    out[i] = a


def test_grad_without_default():
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
