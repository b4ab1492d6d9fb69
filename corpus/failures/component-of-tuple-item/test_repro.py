"""A number of an item of a tuple, `t[1][0]`, does not compile; `t[1].x` does"""

import numpy as np
import warp as wp


@wp.func
def f(x: tuple[wp.float32, wp.vec2, wp.float32]):
    return x[1][0]


@wp.kernel
def kernel(out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = f((1.0, wp.vec2(1.0), 1.0))


def test_rejected_argument_must_not_be_the_result_from_a():
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
