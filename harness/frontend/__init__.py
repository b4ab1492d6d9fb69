"""Warp's front end under Python that is not in its language.

Bodies of kernels and functions that parse, and mostly are no Warp: valid ones that were edited at random, and what
hypothesmith draws from Python's grammar.  Warp must refuse each with an error of its own, or build what it means.

The text of a body is never run as Python: it stands in a function that is defined and handed to Warp's code generator
in the sandbox (`harmless`).
"""
