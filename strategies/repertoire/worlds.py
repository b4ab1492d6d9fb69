"""What a kernel of everything works on: things with a place and a weight, in arrays or in structs, and functions."""

from __future__ import annotations

from typing import Final

from strategies import structs
from strategies.calls import Callee
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Assign, Call, Element, Name
from strategies.language.types import Scalar, Struct, Type, Vector
from strategies.repertoire import motifs
from strategies.repertoire.motifs import Pool
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.struct_functions import call
from strategies.structs import array_of_structs, loaded, struct_of
from strategies.typed import Typed

#: Of 100 kernels, how many have a function, and how many have structs.
FUNCTIONS: Final = 35
STRUCTS: Final = 48
#: Of 100 with structs, how many keep some of the fields in a struct within, and how many load the thread's own.
NESTED: Final = 55
LOADED: Final = 70
#: Of 100 that load one, how many pass it to a function, and how many change it and store it.
PASSED: Final = 40
STORED: Final = 55


class World:
    """The things, and what has been found out of them."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch, self.dice = sketch, sketch.dice
        self.pen = Pen(sketch)
        self.pool = Pool(self.pen)
        self.point = types.vector(self.dice.one_of((3, 3, 2)), sketch.main)
        self.functions: list[Callee] = []
        if self.dice.chance(FUNCTIONS):
            self.functions.append(motifs.function(sketch))
        #: the array of structs, and the thread's own in a local
        self.array: str | None = None
        self.local: str | None = None
        self._read = False
        if self.dice.chance(STRUCTS):
            self._make_struct()

    def _make_struct(self) -> None:
        dice, sketch = self.dice, self.sketch
        kinds: list[Type] = [self.point, sketch.main, self.point][: dice.between(2, 3)]
        if len(kinds) > 2 and dice.chance(NESTED):
            within = dice.between(0, 1)
            inner = struct_of(sketch, [(sketch.fresh(), of) for of in (kinds[within], kinds[2])])
            kinds = [kinds[1 - within], inner] if dice.chance(50) else [inner, kinds[1 - within]]
        of = struct_of(sketch, [(sketch.fresh(), kind) for kind in kinds])
        self.array = array_of_structs(sketch, of)
        if dice.chance(LOADED):
            self.load()

    def load(self) -> None:
        """``b = bodies[i]``."""
        assert self.array is not None
        self.pen.body.append(loaded(self.sketch, self.array))
        self.local = next(reversed(self.sketch.structs))
        for variable in self._fields():
            variable.used = True

    def _fields(self) -> list[Variable]:
        """The fields of the local."""
        return [v for v in self.sketch.scope if v.name.startswith(f"{self.local}.")]

    # ------------------------------------------------------------ what is read

    def own(self, of: Scalar | Vector, span: float | Interval = 2.0) -> Value:
        """A number or a vector of the thread's own: a field of its struct, or an element of an array."""
        fitting = self._own_fields(of)
        if fitting and self.dice.chance(80):
            self._read = True
            return fitting[0 if self.dice.chance(60) else self.dice.below(len(fitting))]
        return self.pen.at(self.pen.input(of, span))

    def _own_fields(self, of: Type) -> list[Value]:
        if self.local is not None:
            return [
                Value(self.pen, Typed(Name(v.type, v.name), v.interval, v.live), v)
                for v in self._fields()
                if v.type is of
            ]
        arrays = [p for p in self.sketch.parameters if self.array and p.name.startswith(f"{self.array}.")]
        return [
            Value(
                self.pen,
                Typed(Element(of, p.name, self.sketch.own_indices()), Interval(p.low, p.high), True),
            )
            for p in arrays
            if isinstance(p.type, types.Array) and p.type.dtype is of
        ]

    def called(self, value: Value, certainly: bool = False) -> Value:
        """`value` through a function, or as it is."""
        if not self.functions or not (certainly or self.dice.chance(70)):
            return value
        callee = self.functions[-1]
        arguments = []
        for n, parameter in enumerate(callee.function.parameters):
            of, wanted = parameter.type, Interval(parameter.low, parameter.high)
            assert isinstance(of, Scalar | Vector)
            given = value if n == 0 and of is value.type else self.own(of, wanted)
            arguments.append(self.sketch.fit(given.typed, wanted).node)
        self.sketch.called.add(callee.function.name)
        node = Call(callee.function.type, callee.function.name, tuple(arguments))
        return self.pen.let(Value(self.pen, Typed(node, callee.intervals[0], True)))

    # ------------------------------------------------------------ what becomes of it

    def settle(self) -> None:
        """Use what nothing has used: a function that was not called, a struct that was not read."""
        if any(callee.function.name not in self.sketch.called for callee in self.functions):
            self.pool.put(self.called(self.pool.take(), certainly=True))
        if self.array is not None and self.local is not None and self.dice.chance(PASSED):
            self._pass()
        if self.array is not None and not self._read:
            self.pool.let(self.dice.one_of(self._own_fields(self.sketch.main)) * self.pen.number(0.25, 1.5))

    def _pass(self) -> None:
        """A function of the struct: what it measures, or another struct, which takes the place of the old one."""
        assert self.local is not None
        before = {v.name for v in self.sketch.scope}
        made = call(self.sketch, self.local, 1)
        assert isinstance(made, Assign)
        self.pen.body.append(made)
        assert isinstance(made.target, Name)
        if isinstance(made.target.type, Struct):
            # what nothing has read yet
            self.local, self._read = made.target.name, False
            return
        self._read = True
        for variable in [v for v in self.sketch.scope if v.name not in before and v.name == made.target.name]:
            self.pool.put(Value(self.pen, Typed(made.target, variable.interval, variable.live), variable))
        if not self._fields():
            # the function changed its copy, and nothing reads what there was
            self.local = None

    def store(self) -> None:
        """``b.x = e`` and ``out[i] = b`` at times, with what was found for the fields that it fits."""
        dice, pen = self.dice, self.pen
        if self.local is None or not dice.chance(STORED):
            return
        for variable in self._fields():
            found = [value for value in self.pool.unread() if value.type is variable.type]
            if not found:
                continue
            target = Value(pen, Typed(Name(variable.type, variable.name), variable.interval, variable.live), variable)
            value = dice.one_of(found)
            if dice.chance(40):
                pen.assign(target, target + value)
            else:
                pen.assign(target, value)
            self._read = True
        pen.body.append(structs.put(self.sketch, self.local))
