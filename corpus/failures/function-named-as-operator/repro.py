import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.func
def mul(t: wp.float32, total: wp.float32):
    return total * t, 1.0


@wp.kernel
def solve_flow(y0: wp.array(dtype=wp.float32)):
    col = wp.tid()
    weight, scale = mul(1.0, 1.0)
    y0[col] = weight


try:
    y0 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(solve_flow, dim=(1,), inputs=[y0], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
