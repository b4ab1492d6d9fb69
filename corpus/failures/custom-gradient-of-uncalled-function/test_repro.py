"""`wp.grad(f)` of a function with `@wp.func_grad` that nothing calls, or calls only later, becomes C++ that does not compile"""

import numpy as np
import warp as wp


@wp.func
def share(theta: wp.float32):
    return theta


@wp.func_grad(share)
def adj_share(theta: wp.float32, adj_ret: wp.float32):
    wp.adjoint[theta] += theta * adj_ret


@wp.kernel
def shift_density(c: wp.array(dtype=wp.float32), wave: wp.array(dtype=wp.float32)):
    tid = wp.tid()
    wave[tid] = wp.grad(share)(c[tid])


def test_custom_gradient_of_uncalled_function():
    c = wp.array(np.array([0.42394346, -0.75310427, 0.74050236, -0.49823144, -0.3145519, -0.9279876, 0.82089096, -0.95166403], np.float32), dtype=wp.float32, requires_grad=True)
    wave = wp.array(np.array([-2.1340451, -1.957747, 1.8680549, -1.3663709, -0.7737492, 2.786614, -0.47939163], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(shift_density, dim=(7,), inputs=[c, wave], device="cpu")
