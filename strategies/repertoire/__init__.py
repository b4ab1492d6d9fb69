"""What people write with Warp, by what it is about: computations in their usual forms, drawn in their variety."""
