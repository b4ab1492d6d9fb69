"""A matrix of halves that is made of a matrix of another type, `wp.mat22h(m)`, does not compile"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.mat22), out: wp.array(dtype=wp.mat22h)):
    i = wp.tid()
    out[i] = wp.mat22h(x[i])


def test_matrix_to_half():
    x = wp.array(np.array([[[1.8666168, 1.6909174], [1.7744122, 0.89106274]]], np.float32), dtype=wp.mat22, requires_grad=True)
    out = wp.array(np.array([[[0.0, 0.0], [0.0, 0.0]]], np.float16), dtype=wp.mat22h, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
