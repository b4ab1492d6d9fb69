"""A kernel with `wp.atomic_min` or `wp.atomic_max` of an indexed array does not compile with a backward pass"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(out: wp.indexedarray(dtype=wp.float32)):
    i = wp.tid()
    wp.atomic_min(out, 0, 1.0)


def test_indexed_array_extreme_gradient():
    out_data = wp.array(np.array([1.3681554, -2.6372595], np.float32), dtype=wp.float32, requires_grad=False)
    out_index0 = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=False)
    out = wp.indexedarray(out_data, [out_index0])
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
