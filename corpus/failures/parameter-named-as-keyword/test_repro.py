"""A kernel's parameter, or a field of a struct, that is called like a keyword of C++ (`new`, `default`) does not compile"""

import numpy as np
import warp as wp


@wp.kernel
def filter_forces(enum: wp.array(dtype=wp.int32), out: wp.array(dtype=wp.int32)):
    row = wp.tid()
    ratio = 0
    ratio = enum[row]
    out[row] = ratio


def test_parameter_named_as_keyword():
    enum = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    wp.launch(filter_forces, dim=(1,), inputs=[enum, out], device="cpu")
