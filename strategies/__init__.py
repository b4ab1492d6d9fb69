"""What can be written: Hypothesis strategies for kernels of NVIDIA Warp.

`kernels` is an ordinary strategy; `draw` gives the kernel at one index of a seed's endless stream.
"""

from strategies.stream import draw, kernels

__all__ = ["draw", "kernels"]
