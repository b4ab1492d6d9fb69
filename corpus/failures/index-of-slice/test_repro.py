"""A number of a slice of a vector or a matrix, `v[1:][0]`, does not compile; `v[1:].x` does"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.vec4), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = x[i][2:][0]


def test_rejected_couldnt_find_function_overload_for_extract_that_matched():
    x = wp.array(np.array([[1.56133, 1.5691371, 1.4246914, 0.88998437]], np.float32), dtype=wp.vec4, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
