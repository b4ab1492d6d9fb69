import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.struct
class Gamma:
    adjoint: wp.array(dtype=wp.int32)


@wp.kernel
def kernel(x: Gamma, out: wp.array(dtype=wp.int32)):
    i = wp.tid()
    out[i] = x.adjoint[i]


try:
    x_adjoint = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
    x = Gamma()
    x.adjoint = x_adjoint
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
