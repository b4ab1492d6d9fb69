import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(out: wp.indexedarray(dtype=wp.float32)):
    i = wp.tid()
    wp.atomic_min(out, 0, 1.0)


try:
    out_data = wp.array(np.array([1.3681554, -2.6372595], np.float32), dtype=wp.float32, requires_grad=False)
    out_index0 = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=False)
    out = wp.indexedarray(out_data, [out_index0])
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
