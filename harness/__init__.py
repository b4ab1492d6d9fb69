"""What is true of a program: `verify` gives the verdict on what Warp makes of it."""

from harness.verdict import Failure, FailureKind, Outcome, Tier, Verdict
from harness.verify import verify

__all__ = ["Failure", "FailureKind", "Outcome", "Tier", "Verdict", "verify"]
