import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.mat22), out: wp.array(dtype=wp.mat22h)):
    i = wp.tid()
    out[i] = wp.mat22h(x[i])


try:
    x = wp.array(np.array([[[1.8666168, 1.6909174], [1.7744122, 0.89106274]]], np.float32), dtype=wp.mat22, requires_grad=True)
    out = wp.array(np.array([[[0.0, 0.0], [0.0, 0.0]]], np.float16), dtype=wp.mat22h, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
