"""Names: from one pool, and none that tells a kernel's category or seed."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable

import numpy as np
from draws import DRAWS, EVALUATED, SEED, drawn

import strategies
from strategies import names
from strategies.categories import CATEGORIES
from strategies.language.hashing import defined_names
from strategies.language.nodes import Atomic, For, Program, ThreadIndex, walk
from strategies.language.render import render
from strategies.language.structs import struct_types
from strategies.language.types import Array, is_alias
from strategies.repertoire import tile_shapes


def threads_of(program: Program) -> tuple[str, ...]:
    begin = program.body[0]
    assert isinstance(begin, ThreadIndex)
    return begin.names


def test_all_names_but_those_that_every_kernel_has_come_from_one_pool() -> None:
    for category in CATEGORIES:
        words = {word for p in drawn(category) for word in defined_names(p) - {*threads_of(p)}}
        assert plain(words) - EXTENTS <= {*names.NAMES, *names.KEYWORDS, *names.OPERATORS}
        assert len(words) > 0.85 * len(names.NAMES)
        for program in drawn(category):
            verb, noun = program.name.split("_")
            assert verb in names.VERBS
            assert noun in names.NOUNS
            assert any(threads_of(program) == pool[: len(program.launch)] for pool in names.THREADS)


def test_no_name_tells_the_category() -> None:
    for category in CATEGORIES:
        words = {w for p in drawn(category) for w in (p.name, *defined_names(p))}
        assert not any(category in word for word in words)


#: What people call the extents of tiles.
EXTENTS = {name.lower() for some in tile_shapes.NAMES for name in some}
#: What a gradient of a function's own calls the cotangents, behind `adj_`.
COTANGENTS = {"ret", "ret0", "ret1"}


def plain(names_: Iterable[str]) -> set[str]:
    """Names without what says what they are of: a decorator, or ``wp.constant``, says the same beside it."""
    return {
        name.removeprefix("adj_").removeprefix("replay_").removeprefix("make_").lower() for name in names_
    } - COTANGENTS


def bound_in(source: str) -> set[str]:
    """Every name that the text of a program binds, whatever node it comes from: what a reader of the text sees.

    What it calls a type that has no name in Warp, ``mat24``, is the type's notation.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return {name for name in found if not is_alias(name)}


def test_no_name_in_the_text_is_unknown_to_the_tree() -> None:
    for category in CATEGORIES:
        for program in drawn(category)[:EVALUATED]:
            structs = struct_types(program)
            types_ = {struct.name for struct in structs} | {field for struct in structs for field, _ in struct.fields}
            # what an atomic gives has no name where it is written in the place of its use
            inline = {n.result.name for n in walk(program) if isinstance(n, Atomic) and n.inline and n.result}
            assert bound_in(render(program)) == {program.name, *defined_names(program), *types_} - inline


def words_of(program: Program) -> list[str]:
    """Every name that is bound in the text of a program, those of its kernel in words.

    Of the thread's indices the first alone: how many dimensions a launch has, no choice of names can hide.
    """
    bound = bound_in(render(program)) - {program.name, *threads_of(program)[1:]}
    return sorted({*program.name.split("_"), *plain(bound)})


def guesses(train: dict[str, list[list[str]]], test: dict[str, list[list[str]]]) -> int:
    """How many of `test` naive Bayes over words assigns to the category that they are of.

    All categories give it equally many words to learn from: else the best-known words are those of the
    category with the longest kernels, and how *many* names a kernel has, which no choice of names can hide,
    would show through which of them are known.
    """
    known = {label: [word for words in kernels for word in words] for label, kernels in train.items()}
    least = min(map(len, known.values()))
    vocabulary = {word: n for n, word in enumerate(sorted({w for words in known.values() for w in words}))}
    logs = np.zeros((len(known), len(vocabulary)))
    for row, words in zip(logs, known.values(), strict=True):
        np.add.at(row, [vocabulary[w] for w in words[:least]], 1)
    logs = np.log((logs + 1) / (logs + 1).sum(axis=1, keepdims=True))
    right = 0
    for number, label in enumerate(known):
        for words in test[label]:
            scores = logs[:, [vocabulary[w] for w in words if w in vocabulary]].sum(axis=1)
            right += int(np.argmax(scores) == number)
    return right


def split(kernels: dict[str, list[list[str]]]) -> tuple[dict[str, list[list[str]]], dict[str, list[list[str]]]]:
    return ({k: v[::2] for k, v in kernels.items()}, {k: v[1::2] for k, v in kernels.items()})


#: Guesses of a classifier that knows nothing are binomial: more than five standard deviations above their mean
#: happen by chance once in three million draws of this test.
DEVIATIONS = 5


def most_by_chance(trials: int, classes: int) -> float:
    chance = 1 / classes
    return trials * chance + DEVIATIONS * math.sqrt(trials * chance * (1 - chance))


def test_a_classifier_of_names_finds_no_category() -> None:
    train, test = split({c: [words_of(p) for p in drawn(c)] for c in CATEGORIES})
    assert guesses(train, test) <= most_by_chance(sum(map(len, test.values())), len(CATEGORIES))


def test_a_classifier_of_names_finds_no_seed() -> None:
    few = list(CATEGORIES)[:3]
    other = [p for c in few for i in range(DRAWS) if (p := strategies.draw(c, SEED + 1, i)) is not None]
    kernels = {"this": [words_of(p) for c in few for p in drawn(c)], "other": [words_of(p) for p in other]}
    train, test = split(kernels)
    assert guesses(train, test) <= most_by_chance(sum(map(len, test.values())), 2)


def test_the_classifier_finds_a_name_that_tells() -> None:
    """What the parts of a kernel look like when each has a pool of its own."""

    def told(program: Program) -> list[str]:
        # pools of three names, or too few kernels share one for that to be learned
        loops = [f"loop_{ord(node.name[0]) % 3}" for node in walk(program) if isinstance(node, For)]
        kinds = [("array" if isinstance(p.type, Array) else "scalar", ord(p.name[0]) % 3) for p in program.parameters]
        return [*loops, *(f"{kind}_{which}" for kind, which in kinds)]

    train, test = split({c: [told(p) for p in drawn(c)] for c in CATEGORIES})
    assert guesses(train, test) > most_by_chance(sum(map(len, test.values())), len(CATEGORIES))
