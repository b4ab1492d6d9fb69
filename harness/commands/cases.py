"""Stored failures, as commands that take some are told of them: by folders, files, or names of buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.case import CASE, FAILURES, Case, DamagedCase, check_case, decode_case
from harness.commands.shared import BadUsage, existing_corpus

Failures = Annotated[list[str], typer.Argument(help="Folders or files of cases, or names of buckets.")]


def read_cases(names: list[str], corpus: Path | None) -> list[Case]:
    """The cases in folders or files, or in the folders of buckets of the corpus; `BadUsage` if there is none."""
    return [_read(name, corpus) for name in names]


def _read(name: str, corpus: Path | None) -> Case:
    given = Path(name)
    file = given / CASE if given.is_dir() else given
    if not file.is_file():
        file = existing_corpus(corpus) / FAILURES / name / CASE
    try:
        case = decode_case(file.read_bytes())
        check_case(case)
    except OSError as error:
        raise BadUsage(f"there is no case {name!r}: {error.strerror or error}") from error
    except DamagedCase as error:
        raise BadUsage(f"{file}: {error.reason}") from error
    return case


def folder_of(name: str, case: Case, corpus: Path | None) -> Path:
    """The folder of a case that was read from `name`, see `read_cases`."""
    given = Path(name)
    if given.is_dir():
        return given
    return given.parent if given.is_file() else existing_corpus(corpus) / FAILURES / case.bucket
