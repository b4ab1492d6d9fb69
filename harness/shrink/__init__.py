"""From a failing program to a small one that fails in the same way.

Candidates are edits of the typed tree: valid by construction as far as types and definitions go, and
strictly simpler in one total order, so that reducing ends.  Whether a candidate relies on undefined behaviour
is for the reference to say: such a candidate is no failure.  Candidates are tried in batches, simplest
first, and the first that still fails in the same way is kept; since what counts is their order, the result
does not depend on the size of a batch.

Each candidate is run on inputs of its own (they are derived from the program's hash and the seed).
"""

from harness.shrink.manner import same_failure
from harness.shrink.order import cost
from harness.shrink.reducer import Limits, Reduced, reduce
from harness.shrink.tidying import tidy
from harness.shrink.tree import beyond_bare
from harness.shrink.validity import well_formed
from strategies.language.nodes import size

__all__ = ["Limits", "Reduced", "beyond_bare", "cost", "reduce", "same_failure", "size", "tidy", "well_formed"]
