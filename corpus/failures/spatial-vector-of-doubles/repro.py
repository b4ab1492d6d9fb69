import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.vec3h), out: wp.array(dtype=wp.spatial_vectorh)):
    i = wp.tid()
    out[i] = wp.spatial_vector(x[i], x[i])


try:
    x = wp.array(np.array([[1.1455, 1.978, 1.372]], np.float16), dtype=wp.vec3h, requires_grad=True)
    out = wp.array(np.full((1, 6), 0.0, np.float16), dtype=wp.spatial_vectorh, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
