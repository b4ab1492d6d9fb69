"""A tuple assignment binds names to array elements and other variables instead of copying values"""

import numpy as np
import warp as wp


@wp.kernel
def compute_values(grid: wp.array(dtype=wp.float32), energy: wp.array(dtype=wp.float32)):
    idx = wp.tid()
    limit = 1.0
    limit, error = grid[idx], 1.0
    energy[idx] = limit


def test_unpacked_value_shared():
    grid = wp.array(np.array([1.2125939], np.float32), dtype=wp.float32, requires_grad=True)
    energy = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(compute_values, dim=(1,), inputs=[grid, energy], device="cpu")
