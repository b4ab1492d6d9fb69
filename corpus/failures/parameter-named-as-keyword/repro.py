import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def filter_forces(enum: wp.array(dtype=wp.int32), out: wp.array(dtype=wp.int32)):
    row = wp.tid()
    ratio = 0
    ratio = enum[row]
    out[row] = ratio


try:
    enum = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    wp.launch(filter_forces, dim=(1,), inputs=[enum, out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
