"""`warpsmith merge`: several corpora become one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from corpus import merge as merging
from harness.commands.shared import Json, say


def merge(
    corpora: Annotated[list[Path], typer.Argument(metavar="DIR...", help="The folders of the corpora.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", "--corpus", help="The folder that receives all; the first of them, if left out."),
    ] = None,
    json: Json = False,
) -> int:
    """Add to one corpus the pairs and failures of others that it has not; none of two of one structure is doubled.

    Campaigns go on in the merged corpus where they came furthest. Merged into a new folder, a single corpus is
    written anew: in order, without duplicates, in files of moderate size.
    """
    target = corpora[0] if into is None else into
    merged = merging.merge(corpora, target)
    say(
        f"{merged.added} pairs and {merged.failures} failures added to {target}; "
        f"{merged.duplicates} pairs were there already."
    )
    if json:
        print(msgspec.json.encode(merged).decode(), flush=True)
    return 0
