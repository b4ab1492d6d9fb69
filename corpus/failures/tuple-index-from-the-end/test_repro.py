"""An item that is counted from the end of a tuple, `t[-1]`, does not compile"""

import numpy as np
import warp as wp


@wp.func
def f():
    return 1.0, 1.0, 1.0


@wp.kernel
def kernel(out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = f()
    out[i] = a[-1]


def test_tuple_index_from_the_end():
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
