import sys
import tempfile

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def energy_b(
    x: wp.array(dtype=wp.vec4d),
    y: wp.array(dtype=wp.float64),
    out: wp.array(dtype=wp.vec4d),
):
    offset = wp.tid()
    bias = x[offset]
    for phase in range(3, 8):
        bias -= wp.vec4d(wp.float64(phase), wp.radians(y[phase]), wp.float64(1.0), wp.float64(1.0))
    out[offset] = bias


try:
    x = wp.array(np.array([[0.5741413498599286, 1.6549844508990645, 1.081829684375407, 1.570792493315821], [1.7679671851401508, 1.2758188015668566, 1.167220249921229, 1.461154001955947], [1.1581312636735674, 1.4219895765763795, 1.0993031287034682, 0.5658600711085455], [1.7413615846362518, 0.9921824015054881, 1.4844516826051404, 1.8139491037909465], [1.4283991353240708, 1.0367434061954555, 1.4246085329668858, 1.819675802016718], [1.4414937794172147, 1.5070220129982772, 1.0668883439921046, 1.2192852003117878], [0.8632501680531277, 1.0379109260065889, 1.4452740945762343, 1.7993403352575115], [1.6961422934618895, 1.974429118075932, 1.4844010194519797, 1.819474174926654]], np.float64), dtype=wp.vec4d, requires_grad=True)
    y = wp.array(np.array([-0.9152662589040119, 0.9327729471697239, 0.20740869872679468, -0.8731775947962888, 0.14801060468744254, 0.723829468472104, 0.1626495765740401, -0.34194412833312526, -0.6484274167523836, -0.39390582020860165, -0.16253571365814423], np.float64), dtype=wp.float64, requires_grad=True)
    out = wp.array(np.full((8, 4), 0.0, np.float64), dtype=wp.vec4d, requires_grad=True)
    wp.launch(energy_b, dim=(8,), inputs=[x, y, out], device="cpu")
except Exception as error:
    print(f"expected: the kernel is built and runs\nactual: {type(error).__name__}: {error}")
    sys.exit(1)
print("the kernel is built and runs")
