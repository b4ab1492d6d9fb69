"""`-x` of a float that is zero is positive zero: Warp subtracts it from zero; of vectors it is negative zero"""

import numpy as np
import warp as wp


@wp.kernel
def sample_phase(slot: wp.array(dtype=wp.float32), x1: wp.array(dtype=wp.float32)):
    row = wp.tid()
    width = slot[row]
    width = -width
    omega = width
    x1[row] = omega


def test_negated_zero():
    slot = wp.array(np.array([0.0, -2.0, -2.0, 1.0659921, 1.2262458, 1.0955614, -2.0], np.float32), dtype=wp.float32, requires_grad=True)
    x1 = wp.array(np.array([-9.536743e-07, 1.0, 0.0, 0.2577206, 2.3219607, 0.5, 2.6812427], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(sample_phase, dim=(4,), inputs=[slot, x1], device="cpu")
    expected, actual = -0.0, x1.numpy()[0]
    assert actual == 0.0 and np.signbit(actual), f"x1: expected {expected}, got {actual}"
