"""The loop: draw, verify, keep, in the order of indices, by as many processes as there are."""
