"""What is right: the reference, its differences, the inputs to ask about, and how far off a right answer may be."""
