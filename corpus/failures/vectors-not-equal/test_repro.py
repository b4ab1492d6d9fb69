"""`a != b` of vectors, matrices, quaternions or transformations does not compile; `a == b` does"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.vec2i),
    y: wp.array(dtype=wp.vec2i),
    out: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    out[i] = 1.0 if x[i] != y[i] else 1.0


def test_vectors_not_equal():
    x = wp.array(np.array([[0, 0]], np.int32), dtype=wp.vec2i, requires_grad=True)
    y = wp.array(np.array([[0, 0]], np.int32), dtype=wp.vec2i, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
