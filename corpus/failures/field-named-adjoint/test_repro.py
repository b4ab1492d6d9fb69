"""`s.adjoint[i]`, of a struct's own field, is taken for `wp.adjoint[i]`"""

import numpy as np
import warp as wp


@wp.struct
class Gamma:
    adjoint: wp.array(dtype=wp.int32)


@wp.kernel
def kernel(x: Gamma, out: wp.array(dtype=wp.int32)):
    i = wp.tid()
    out[i] = x.adjoint[i]


def test_field_named_adjoint():
    x_adjoint = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    x = Gamma()
    x.adjoint = x_adjoint
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
