import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


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


try:
    value = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(fold_state, dim=(1,), inputs=[value], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
