"""Which failures are one defect, and which defects are known.

The *bucket* of a reduced failure says what makes two failures one bug: the kind, what differs, and the
constructs that are left; never names, values or extents.  The *ledger* of known issues (`known_issues.toml`,
where its policy stands) explains failures by more than their looks: by a rewrite that avoids the issue.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec

from corpus.case import check_bucket
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind, Verdict
from harness.verify import MISMATCHES, verify_all
from strategies.language import types
from strategies.language.generics import apart
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Continue,
    Element,
    Evaluate,
    Extent,
    Field,
    For,
    If,
    Logical,
    Node,
    Program,
    Return,
    Static,
    TileStore,
    Unpack,
    While,
    walk,
)
from strategies.language.rules import conversion
from strategies.language.types import Struct, Type

LEDGER: Final = Path(__file__).with_name("known_issues.toml")
NOT_REPORTED: Final = "not reported yet"
UNKNOWN: Final = "?"

#: A folder's name that is longer is hard to read and to quote.
MAX_SLUG: Final = 72
#: Words of a message that tell what it is about; what follows tells of this one program.
MESSAGE_WORDS: Final = 8

# ---------------------------------------------------------------- messages

#: What the referee says of a failure that other precisions may not have.
_ONE_PRECISION: Final = ("this precision only", "float64 itself")

#: Kinds whose message says what is wrong; for the others it gives numbers.
SAID: Final = (FailureKind.REJECTED, FailureKind.BUILD_ERROR, FailureKind.CRASH, FailureKind.HANG)

#: Kinds that depend on what a probe does and on nothing in a kernel: no rewrite could avoid them.
OF_PROBE: Final = (FailureKind.STALE_BINARY, FailureKind.TAPE_MISMATCH, FailureKind.REDEFINITION_MISMATCH)

_PLACE = re.compile(r"^.*Error while parsing function .*?\n.*\n;", re.DOTALL)
_COMPILER_ERROR = re.compile(r"(?:fatal )?error: (.*)")
_QUOTED = re.compile(r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'|`[^`\n]*`|<[^<>\n]*>|\[[^\[\]\n]*\]")
#: Warp's own functions, where it speaks of its insides, and those of which it finds no overload.
_CALL = re.compile(r"`(\w+)\(\)`|(?<=function overload for )'(\w+)'")
_PATH = re.compile(r"\S*[/\\]\S*")
_TYPE = re.compile(r"\b(?:wp\.)?(?:u?int\d*|float\d*|vec\d\w*|mat\d\w*|array\d?|ref|bool)\b(?:\([^()]*\))?")
_NUMBER = re.compile(r"-?\b(?:0x[0-9a-f]+|\d[\w.+-]*)")
_SPACE = re.compile(r"\s+")


def message_head(message: str) -> str:
    """What Warp, the compiler or the operating system complained of: one line without names, types,
    numbers and paths, equal for two programs that are refused for one reason."""
    text = _PLACE.sub("", message).strip()
    if found := _COMPILER_ERROR.search(text):
        text = found.group(1)
    head = _CALL.sub(r"\1\2", text.split("\n", 1)[0])
    for pattern in (_QUOTED, _PATH, _TYPE, _NUMBER):
        head = pattern.sub("", head)
    return _SPACE.sub(" ", head).strip(" .:;,")


# ---------------------------------------------------------------- buckets


def bucket(program: Program, failure: Failure) -> str:
    """The bucket of a failure of a reduced program: a readable name that can be a folder's."""
    parts = [failure.kind.value, *re.findall(r"\w+", failure.variant)]
    if failure.kind in OF_PROBE:
        # what the probe does says what is wrong, whatever the kernel does
        said = message_head(failure.message) if failure.face else ""
        return _slug("-".join(parts + _words(said)[:MESSAGE_WORDS]), said)
    if failure.parameter is not None:
        output = program.parameter(failure.parameter).output
        if failure.gradient and failure.kind is not FailureKind.BACKWARD_MISMATCH:
            parts.append("gradient")
        if output == failure.gradient or (failure.kind is FailureKind.MEMORY and not output):
            if output:
                parts.append("cotangent")
            elif not failure.gradient:
                parts.append("input")
    kind = failure.face or failure.kind
    if kind in SAID:
        parts += _words(message_head(failure.message))[:MESSAGE_WORDS]
        if kind is not FailureKind.REJECTED and not _COMPILER_ERROR.search(failure.message):
            # a signal, or the end of a compiler's long output: the message alone says little
            parts += constructs(program)
    else:
        parts += constructs(program)
    if failure.referee in _ONE_PRECISION:
        # reducing makes everything float32 that still fails so
        floats = {s.notation for of in _types(program) for s in types.scalars_of(of) if s.is_float}
        parts += sorted(floats - {"float32"})
    slug = _slug("-".join(parts), message_head(failure.message) if kind in SAID else "")
    check_bucket(slug)
    return slug


def _words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Za-z_]+", text.replace("'", ""))]


def _slug(text: str, detail: str) -> str:
    if len(text) <= MAX_SLUG:
        return text
    digest = hashlib.blake2b(f"{text}/{detail}".encode(), digest_size=4).hexdigest()
    return f"{text[:MAX_SLUG].rstrip('-_')}-{digest}"


def _types(program: Program) -> Iterator[Type]:
    for node in walk(program):
        if isinstance(of := getattr(node, "type", None), Type):
            yield of


#: Constructs by their node; operations and atomics go by their own names.
_CONSTRUCTS: Final[dict[type[Node], str]] = {
    Compare: "compare",
    Logical: "logical",
    Conditional: "conditional",
    For: "for",
    If: "if",
    Break: "break",
    Continue: "continue",
    Return: "return",
    While: "while",
    Call: "call",
    Evaluate: "call",
    Unpack: "unpack",
    Constant: "constant",
    Static: "static",
}


def constructs(program: Program) -> list[str]:
    """The sorted constructs of a reduced program that can be at fault."""
    return sorted({name for node in suspected(program) if (name := _strong(node) or _weak(node))})


def suspected(program: Program) -> list[Node]:
    """The nodes of a reduced program that can be at fault.

    Where there is nothing but loads, stores and conversions, those are; beside anything else they are
    what reducing happened to leave.
    """
    nodes = list(walk(program))
    strong = [node for node in nodes if _strong(node)]
    if any(isinstance(node, If | Conditional) for node in strong):
        # a comparison stands in each test
        strong = [node for node in strong if _strong(node) != "compare"]
    return strong or [node for node in nodes if _weak(node)]


def _strong(node: Node) -> str | None:
    match node:
        case Apply() | Atomic() | TileStore():
            return node.op
        case Compare(operators=operators):
            return "compare-chain" if len(operators) > 1 else "compare"
        case AugmentedAssign(operator=operator):
            return f"augmented-{operator}"
        case Assign(target=Component()):
            return "component-store"
        case Assign(target=Field()):
            return "field-store"
        case Assign(target=target) if isinstance(target.type, Struct):
            return "struct-copy"
    return _CONSTRUCTS.get(type(node))


def _weak(node: Node) -> str | None:
    if conversion(node) is not None:
        return "cast"
    if isinstance(node, Element) and node.brackets:
        return "brackets"
    return str(node.__struct_config__.tag) if isinstance(node, Cast | Construct | Component | Extent | Field) else None


# ---------------------------------------------------------------- the ledger


#: The share of an array's cells that tells whether a defect of that array is gone.  A pair needs more (`MIN_CHECKED`);
#: but what rounds otherwise is left to compare elsewhere, and on the other inputs of `FURTHER_SEEDS` chance decides: of
#: a kernel with two float remainders 6 or 7 gradients of 10 are left there, where 9 are on the inputs that failed.
TELLING: Final = 0.5
#: No less than this, though less was compared where the program failed: one cell of many may be another.
LEAST_TELLING: Final = 0.25

#: Seeds of other inputs that are tried where too little of a rewritten program could be compared: of a kernel of
#: halves with remainders, two seeds of five leave enough.
FURTHER_SEEDS: Final = 3


Verify: TypeAlias = Callable[[Sequence[Program], int, Program], list[Verdict]]
"""Judges programs on inputs drawn from a seed, the inputs of another program with the same parameters."""


class LedgerError(Exception):
    """Something is wrong with the ledger of known issues; the message is for the person at the keyboard."""


class Versions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first and the last version of Warp that have an issue; "?" where that is not known."""

    first: str = UNKNOWN
    last: str = UNKNOWN

    def __post_init__(self) -> None:
        for version in (self.first, self.last):
            if version != UNKNOWN and not _VERSION.match(version):
                raise ValueError(f"{version!r} is no version")


_VERSION: Final = re.compile(r"\d+(?:\.\d+)*")


def _ordered(version: str) -> tuple[int, ...]:
    """A version as numbers that compare; what follows the numbers (``rc1``, ``.dev20260101``) is left out."""
    found = _VERSION.match(version)
    if found is None:
        raise ValueError(f"{version!r} is no version of Warp")
    numbers = [int(part) for part in found.group().split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


class KnownIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An entry of the ledger; the comment at the top of `known_issues.toml` says what the fields mean."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]*$")]
    title: Annotated[str, msgspec.Meta(min_length=1)]
    kind: FailureKind | tuple[FailureKind, ...]
    buckets: tuple[str, ...] = ()
    issue: Annotated[str, msgspec.Meta(pattern=rf"^(https://\S+|{NOT_REPORTED})$")]
    versions: Versions
    rewrite: str = ""
    fixed_when: Annotated[str, msgspec.Meta(min_length=1)]
    script: str = ""
    no_case: str = ""

    def __post_init__(self) -> None:
        if self.buckets and self.rewrite:
            raise ValueError(f"{self.id} has both buckets and a rewrite: a bucket would hide what the rewrite does not")
        if bool(self.script) == bool(self.no_case):
            raise ValueError(f"{self.id} must have a script beside a stored case, or say in no_case why it has none")
        if not self.buckets and not self.rewrite:
            raise ValueError(f"{self.id} has neither buckets nor a rewrite, so it explains nothing")
        if self.rewrite and self.rewrite not in REWRITES:
            known = ", ".join(sorted(REWRITES))
            raise ValueError(f"{self.id}: there is no rewrite {self.rewrite!r} (there are {known})")
        for name in self.buckets:
            check_bucket(name)

    @property
    def kinds(self) -> tuple[FailureKind, ...]:
        """The kinds of failure that the issue shows itself by."""
        return (self.kind,) if isinstance(self.kind, FailureKind) else self.kind

    def affects(self, version: str) -> bool:
        """Whether Warp of that version has the issue, as far as is known."""
        first, last = self.versions.first, self.versions.last
        return (first == UNKNOWN or _ordered(first) <= _ordered(version)) and (
            last == UNKNOWN or _ordered(version) <= _ordered(last)
        )


class _File(msgspec.Struct, forbid_unknown_fields=True):
    issue: list[KnownIssue] = []


@dataclass(frozen=True)
class Ledger:
    """The known issues, in the order of the file."""

    issues: tuple[KnownIssue, ...]

    @classmethod
    def load(cls, path: Path = LEDGER) -> Ledger:
        """The ledger in a TOML file.

        Raises:
            LedgerError: it cannot be read, or an entry contradicts itself; the message says which and how.
        """
        try:
            found = msgspec.toml.decode(path.read_bytes(), type=_File, strict=True)
        except OSError as error:
            raise LedgerError(f"{path}: {error.strerror or error}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise LedgerError(f"{path}: {error}") from error
        ids = [issue.id for issue in found.issue]
        owners: dict[str, str] = {}
        for issue in found.issue:
            if ids.count(issue.id) > 1:
                raise LedgerError(f"{path}: there are {ids.count(issue.id)} issues called {issue.id!r}")
            for name in (issue.id, *issue.buckets):
                if owners.setdefault(name, issue.id) != issue.id:
                    raise LedgerError(f"{path}: bucket {name!r} belongs to {owners[name]!r} and {issue.id!r}")
        return cls(tuple(found.issue))

    def by_bucket(self, name: str, version: str | None = None) -> KnownIssue | None:
        """The issue that a bucket belongs to, if Warp of that version has it; an issue's id is one of its buckets."""
        for issue in self.issues:
            if name in (issue.id, *issue.buckets) and (version is None or issue.affects(version)):
                return issue
        return None

    def avoided(self, program: Program, failure: Failure, warp_version: str) -> Program:
        """`program` without what could make it fail so by a known issue; the same object if there is nothing of it."""
        shows_as = failure.face or failure.kind
        whole = rewritten = apart(program)
        for issue in self.issues:
            if issue.rewrite and shows_as in issue.kinds and issue.affects(warp_version):
                rewritten = REWRITES[issue.rewrite](rewritten)
        return program if rewritten is whole else rewritten

    def explain(
        self,
        program: Program,
        verdict: Verdict,
        sandbox: Sandbox,
        warp_version: str,
        seed: int = 0,
        verify: Verify | None = None,
    ) -> KnownIssue | None:
        """The issue that makes `program` fail, judged by rewrites; None if it has another defect, or also one.

        An issue explains a failure if its rewrite changes the program and the rewritten program verifies,
        or fails by another issue only.  The first issue of the file that does is the answer.  `verify` judges
        rewritten programs as `program` was judged; `verify_all` in the sandbox, if None.  They run on the inputs that
        it failed on.
        """
        return self._explained(program, verdict, warp_version, seed, verify or plainly(sandbox), program)

    def _explained(
        self, program: Program, verdict: Verdict, warp_version: str, seed: int, verify: Verify, like: Program
    ) -> KnownIssue | None:
        if verdict.failure is None:
            return None
        rewritten = self.rewritten(program, verdict.failure, warp_version)
        verdicts = verify([other for _, other in rewritten], seed, like)
        attempts = [(issue, other, found) for (issue, other), found in zip(rewritten, verdicts, strict=True)]
        return self.concluded(program, verdict, attempts, warp_version, seed, verify, like)

    def rewritten(self, program: Program, failure: Failure, warp_version: str) -> list[tuple[KnownIssue, Program]]:
        """The issues that a failure may be, each with the program that avoids it: the first half of `explain`."""
        if failure.kind in OF_PROBE:
            return []
        shows_as = failure.face or failure.kind
        # what a rewrite puts in has the types of one instance
        program = apart(program)
        return [
            (issue, other)
            for issue in self.issues
            if issue.rewrite and shows_as in issue.kinds and issue.affects(warp_version)
            if (other := REWRITES[issue.rewrite](program)) is not program
        ]

    def concluded(
        self,
        program: Program,
        verdict: Verdict,
        attempts: Sequence[tuple[KnownIssue, Program, Verdict]],
        warp_version: str,
        seed: int,
        verify: Verify,
        like: Program,
    ) -> KnownIssue | None:
        """The issue that a failure is, by the verdicts on the programs of `rewritten`: the second half of `explain`."""
        failure = verdict.failure
        assert failure is not None
        if failure.kind in OF_PROBE:
            return self.by_bucket(bucket(program, failure), warp_version)
        for issue, other, found in attempts:
            if clears(verdict, found, other):
                return issue
        # inconclusive, or verified where too little of the array that was wrong could be compared
        left = [(issue, other) for issue, other, found in attempts if found.failure is None]
        if left and (settled := self._settled(apart(program), verdict, left, seed, verify, like)) is not None:
            return settled
        for issue, other, found in attempts:
            # each issue once: a rewrite may find something to change in what it made itself
            others = Ledger(tuple(another for another in self.issues if another is not issue))
            if others._explained(other, found, warp_version, seed, verify, like) is not None:
                return issue
        return None

    @staticmethod
    def _settled(
        program: Program,
        verdict: Verdict,
        changed: Sequence[tuple[KnownIssue, Program]],
        seed: int,
        verify: Verify,
        like: Program,
    ) -> KnownIssue | None:
        """The issue whose rewrite clears the failure on other inputs, on which the program fails as well."""
        for further in range(seed + 1, seed + 1 + FURTHER_SEEDS):
            whole, *rewritten = verify([program, *(other for _, other in changed)], further, like)
            if _alike(whole, verdict):
                for (issue, other), found in zip(changed, rewritten, strict=True):
                    if clears(whole, found, other):
                        return issue
        return None


def plainly(sandbox: Sandbox) -> Verify:
    """How `verify_all` judges programs in `sandbox`."""
    return lambda programs, seed, like: verify_all(programs, sandbox, seed, like=like)


def _alike(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts are failures that show themselves in one way."""
    a, b = one.failure, other.failure
    return a is not None and b is not None and (a.kind, a.face) == (b.kind, b.face)


def clears(verdict: Verdict, found: Verdict, rewritten: Program) -> bool:
    """Whether the verdict on a rewritten program shows that a failure is gone: what was wrong must have been compared.

    What could not be built was built.  Where numbers were wrong, of that very array enough must have been compared,
    whatever could be of the whole program.
    """
    failure = verdict.failure
    assert failure is not None
    if found.failure is not None:
        return False
    if (failure.face or failure.kind) in SAID:
        # it was built, and ran to its end
        return True
    if found.verified and failure.gradient and (found.reason or "").startswith("limit"):
        return False
    renamed = failure.parameter not in {p.name for p in rewritten.parameters}
    if found.verified and (renamed or (failure.face or failure.kind) not in MISMATCHES):
        return True
    at = (failure.parameter or "", failure.gradient)
    # where Warp gave something for nothing, nothing is what tells
    if failure.expected == 0 and at in found.vanished:
        return True
    # no more can be asked than was compared where it failed
    asked = min(TELLING, max(LEAST_TELLING, verdict.compared.get(at, TELLING)))
    return found.compared.get(at, 0.0) >= asked
