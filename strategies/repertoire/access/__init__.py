"""Ways to an element or a part of a value, a module for each kind; each is small, with outputs of its own."""
