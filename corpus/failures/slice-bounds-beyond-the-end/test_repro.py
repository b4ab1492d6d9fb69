"""A slice of an array backwards, with a bound beyond an end, begins outside of the array, leaves out its first element or is not empty"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = x[:2]
    b = a[5::-1]
    out[i] = b[0]


def test_slice_bounds_beyond_the_end():
    x = wp.array(np.array([0.59956497, 1.5625566, 1.6710874, 1.1976366], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    expected, actual = 1.5625566244125366, out.numpy()[0]
    assert abs(float(actual) - expected) <= 3.7254253015817085e-07, f"out: expected {expected}, got {actual}"
