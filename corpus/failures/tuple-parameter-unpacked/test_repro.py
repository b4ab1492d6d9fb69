"""Unpacking a parameter that is a tuple, `a, b = t`, raises a TypeError out of Warp's insides; a variable is unpacked"""

import numpy as np
import warp as wp


@wp.func
def f(x: tuple[wp.float32, wp.float32]):
    a, b = x
    return a


@wp.kernel
def kernel(out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = f((1.0, 1.0))


def test_tuple_parameter_unpacked():
    out = wp.array(np.array([-0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
