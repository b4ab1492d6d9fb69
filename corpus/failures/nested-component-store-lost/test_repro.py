"""`m[0].x = e` and `t.p[1] += e` of a local matrix or transformation are stored in a copy, and lost"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(x: wp.array(dtype=wp.transform), out: wp.array(dtype=wp.transform)):
    i = wp.tid()
    a = x[i]
    a.p.x = 1.0
    out[i] = a


def test_nested_component_store_lost():
    x = wp.array(np.array([[1.37605, 1.5302202, 1.272847, 1.1148894, 1.1996301, 0.8208504, 1.8418959]], np.float32), dtype=wp.transform, requires_grad=True)
    out = wp.array(np.full((1, 7), 0.0, np.float32), dtype=wp.transform, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    expected, actual = 1.0, out.numpy()[0, 0]
    assert abs(float(actual) - expected) <= 0.0, f"out: expected {expected}, got {actual}"
