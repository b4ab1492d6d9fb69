"""A slice of a vector or a matrix in an array or a struct cannot be assigned: `a[1][0:2] = u`"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype=wp.mat22)):
    i = wp.tid()
    out[i][0:, 0] = wp.vec2(1.0)


def test_slice_of_array_element_stored():
    out = wp.array(np.array([[[0.0, 0.0], [0.0, 0.0]]], np.float32), dtype=wp.mat22, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
