import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def compute_values(grid: wp.array(dtype=wp.float32), energy: wp.array(dtype=wp.float32)):
    idx = wp.tid()
    limit = 1.0
    limit, error = grid[idx], 1.0
    energy[idx] = limit


try:
    grid = wp.array(np.array([1.2125939], np.float32), dtype=wp.float32, requires_grad=True)
    energy = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(compute_values, dim=(1,), inputs=[grid, energy], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
