"""Python numbers that a kernel captures are hashed in 32 bits: one that differs beyond those runs the old binary"""

import numpy as np
import warp as wp

wp.set_module_options({"optimization_level": 0})


def make(varied):
    @wp.kernel(module="unique")
    def kernel(out: wp.array(dtype=wp.float64)):
        i = wp.tid()
        out[i] = wp.float64(varied)

    return kernel


def result(kernel):
    out = wp.array(np.array([-0.0], np.float64), dtype=wp.float64, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
    return out.numpy()[0]


def test_constants_hashed_in_32_bits():
    first, actual = result(make(1.0)), result(make(1.0000000000009095))
    expected = 1.0000000000009095
    assert abs(float(actual) - expected) <= 2.2737367544323206e-13, f"out: expected {expected}, got {actual}, after {first} of a kernel that differs"
