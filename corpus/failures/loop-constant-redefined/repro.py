import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def scale_points(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32), n: wp.int32):
    i = wp.tid()
    a = x[i]
    for k in range(2):
        for m in range(n):
            c = 1.0
            a = c
    out[i] = a


try:
    x = wp.array(np.array([1.2316126], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    n = 0
    wp.launch(scale_points, dim=(1,), inputs=[x, out, n], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
