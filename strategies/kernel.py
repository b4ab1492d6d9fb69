"""From choices to a kernel: what all categories share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from strategies import names
from strategies.dice import Dice
from strategies.idle_fields import with_fewer_fields
from strategies.indexed_arrays import indexed_parameters
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Program, Statement, ThreadIndex
from strategies.language.types import INT32
from strategies.renaming import with_rare_names
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.steps import in_steps
from strategies.structs import parameters_of, spelled
from strategies.swarm import draw_features
from strategies.tidy import tidied
from strategies.weights import WEIGHTS, Weights

#: Draws the statements of a kernel after ``i = wp.tid()``.
Body = Callable[[Sketch], Iterable[Statement]]


def draw_kernel(
    dice: Dice,
    category: str,
    body: Body,
    launches: tuple[tuple[int, ...], ...] = (),
    place: tuple[int, int] | None = None,
    distinctive: Collection[str] = (),
    weights: Weights = WEIGHTS,
) -> Program:
    """A kernel of `category`, whose statements `body` draws, for one of `launches` or of those that all share; `place`
    is its seed and index if it is one of a stream.  It may do without every feature that is not `distinctive`."""
    main = types.scalar(dice.weighted(weights.kernels.floats))
    shared = weights.kernels.launches
    line = tuple(shape for shape in shared if len(shape) == 1)
    launch = dice.one_of(launches or shared) if launches or dice.chance(50) else dice.one_of(line)
    sketch = Sketch(dice, launch, main, weights, draw_features(dice, weights.swarm, distinctive))
    sketch.dealt = place
    sketch.begin()
    threads = dice.one_of(names.THREADS)[: len(launch)]
    for name, extent in zip(threads, launch, strict=True):
        sketch.indices.append(sketch.scope.add(Variable(name, INT32, Interval(0, extent - 1))))
    name = f"{dice.one_of(names.VERBS)}_{dice.one_of(names.NOUNS)}"
    statements = tuple(body(sketch))
    written = {p.name.partition(".")[0] for p in sketch.parameters if p.output}
    parameters = sorted(sketch.parameters, key=lambda p: p.name.partition(".")[0] in written)
    parameters = [part for p in parameters for part in sketch.indexed.get(p.name, (p,))]
    statements = tuple(spelled(statement, sketch.structs) for statement in statements)
    drawn = Program(
        name=name,
        category=category,
        launch=launch,
        parameters=tuple(parameters),
        body=(ThreadIndex(threads), *statements),
        functions=(*sketch.struct_functions, *(callee.function for callee in sketch.callees)),
        structs=parameters_of(sketch),
        indexed=indexed_parameters(sketch),
        overloads=sketch.overloads,
        options=sketch.options,
        block_dim=sketch.block_dim,
    )
    if drawn.structs:
        drawn = with_fewer_fields(dice, drawn)
    return with_rare_names(dice, in_steps(tidied(drawn), sketch.fresh))
