"""What people write so often that no choice of operations would come to it: a module for each kind of kernel."""
