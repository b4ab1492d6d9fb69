"""`wp.spatial_vector(w, v)` of two vectors that are not of float32 is refused, though its type is said to follow from theirs"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.vec3h), out: wp.array(dtype=wp.spatial_vectorh)):
    i = wp.tid()
    out[i] = wp.spatial_vector(x[i], x[i])


def test_spatial_vector_of_doubles():
    x = wp.array(np.array([[1.1455, 1.978, 1.372]], np.float16), dtype=wp.vec3h, requires_grad=True)
    out = wp.array(np.full((1, 6), 0.0, np.float16), dtype=wp.spatial_vectorh, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
