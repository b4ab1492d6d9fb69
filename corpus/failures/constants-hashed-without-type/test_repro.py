"""Constants are hashed by their bits alone: one of another type and like bits runs the old binary"""

import numpy as np
import warp as wp


def make(varied):
    @wp.kernel(module="unique")
    def kernel(out: wp.array(dtype=wp.float32)):
        i = wp.tid()
        out[i] = float(varied)

    return kernel


def result(kernel):
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
    return out.numpy()[0]


def test_constants_hashed_without_type():
    first, actual = result(make(wp.int32(-1))), result(make(wp.uint32(4294967295)))
    expected = 4294967296.0
    assert abs(float(actual) - expected) <= 1073741824.25, f"out: expected {expected}, got {actual}, after {first} of a kernel that differs"
