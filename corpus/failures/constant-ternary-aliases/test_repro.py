"""`b = a if FLAG else c`, with a flag that is known when the kernel is compiled, makes `b` another name of `a`, so that changes of `b` change `a`"""

import numpy as np
import warp as wp


BIAS = wp.constant(True)


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = x[i]
    b = a if BIAS else 1.0
    for n in range(i):
        a = 1.0
    out[i] = b


def test_constant_ternary_aliases():
    x = wp.array(np.array([0.80174977, 1.0054525], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0, 0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(2,), inputs=[x, out], device="cpu")
    expected, actual = 1.0054525136947632, out.numpy()[1]
    assert abs(float(actual) - expected) <= 0.0, f"out: expected {expected}, got {actual}"
