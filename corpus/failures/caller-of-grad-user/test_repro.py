"""A function that calls a function which uses `wp.grad` stands before it in the C++, which does not compile"""

import numpy as np
import warp as wp


@wp.func
def factor(quota: wp.float32):
    return 1.0


@wp.func_grad(factor)
def adj_factor(quota: wp.float32, adj_ret: wp.float32):
    wp.adjoint[quota] += 1.0 * adj_ret


@wp.func
def change(mean: wp.float32):
    return wp.grad(factor)(mean)


@wp.func
def ratio():
    return change(1.0)


@wp.kernel
def fold_state(value: wp.array(dtype=wp.float32)):
    i = wp.tid()
    value[i] = factor(1.0) - ratio()


def test_caller_of_grad_user():
    value = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(fold_state, dim=(1,), inputs=[value], device="cpu")
