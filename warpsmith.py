"""The command `warpsmith`, also as `python -m warpsmith`.

It stands beside the packages, because to import one of them takes seconds on a busy machine, in which Ctrl-C would be
answered with a traceback.
"""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """The command as a program; until its modules are there, a signal ends it at once."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from harness.commands import main as command

    signal.signal(signal.SIGINT, before)
    command()


if __name__ == "__main__":
    main()
