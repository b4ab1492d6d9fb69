"""`wp.tile_arange` of float16 does not compile"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype=wp.float16)):
    i = wp.tid()
    wp.tile_atomic_add(out, wp.tile_arange(4, dtype=wp.float16), offset=0)


def test_half_tile_range():
    out = wp.array(np.array([0.0, -0.0, 0.0, 0.0], np.float16), dtype=wp.float16, requires_grad=True)
    wp.launch_tiled(kernel, dim=(3,), inputs=[out], block_dim=32, device="cpu")
