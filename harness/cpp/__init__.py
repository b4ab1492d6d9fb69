"""The C++ and the CUDA text that Warp writes, taken apart kernel by kernel."""
