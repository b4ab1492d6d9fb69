import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.func
def f(x: wp.float32, y: wp.float32 = 1.0):
    return x - y


@wp.kernel
def kernel(out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a, b = wp.grad(f)(1.0)
    out[i] = a


try:
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
