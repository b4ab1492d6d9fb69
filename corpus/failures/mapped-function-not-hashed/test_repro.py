"""A function that is given to `wp.tile_map` or `wp.tile_reduce` is not hashed: an edit of it runs the old binary"""

import numpy as np
import warp as wp


def make(varied):
    @wp.func
    def f(x: wp.float32):
        return x + wp.float32(varied)

    @wp.kernel(module="unique")
    def kernel(out: wp.array(dtype=wp.float32)):
        i = wp.tid()
        out[i] = wp.tile_map(f, wp.tile_zeros(shape=(4, 2), dtype=wp.float32))[0, 0]

    return kernel


def result(kernel):
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch_tiled(kernel, dim=(1,), inputs=[out], block_dim=64, device="cpu")
    return out.numpy()[0]


def test_mapped_function_not_hashed():
    first, actual = result(make(1)), result(make(2))
    expected = 2.0
    assert abs(float(actual) - expected) <= 0.25, f"out: expected {expected}, got {actual}, after {first} of a kernel that differs"
