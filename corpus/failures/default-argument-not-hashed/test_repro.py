"""The value of a function's default argument is not hashed: another value runs the old binary"""

import numpy as np
import warp as wp

wp.set_module_options({"optimization_level": 0})


def make(varied):
    @wp.func
    def f(x: wp.float32 = varied):
        return x

    @wp.kernel(module="unique")
    def kernel(out: wp.array(dtype=wp.float32)):
        i = wp.tid()
        out[i] = f()

    return kernel


def result(kernel):
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
    return out.numpy()[0]


def test_default_argument_not_hashed():
    first, actual = result(make(1.0)), result(make(1.5))
    expected = 1.5
    assert abs(float(actual) - expected) <= 0.125, f"out: expected {expected}, got {actual}, after {first} of a kernel that differs"
