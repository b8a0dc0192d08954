"""A strategy: a generator, and which of its arguments people may choose."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, TrialKind
from ax_anasod.exceptions import UnknownNameError
from ax_anasod.generation_strategy.nodes import (
    SearchStrategy,
    common_arguments,
    draws_before,
    history_node,
    node,
)
from ax_anasod.generators import EncodingGenerator, HistoryGenerator
from ax_anasod.generators.base import NUM_INITIAL, DrawGenerator
from ax_anasod.settings import NonNegativeInt, argument_texts, argument_types, choices, type_name

GIVEN: Final = ("cell", "seed", "hyperparameters")
"""Arguments of every generator that are no options."""


@dataclass(frozen=True)
class Option:
    """An option of a strategy.

    Args:
        name: Its name.
        annotation: Its type, with its range where it has one.
        default: Its value if none is given.
        text: Its description in the docstring of the generator.
        argument: The argument of the generator that takes it in a mapping, together with
            others; None where it is an argument itself.
    """

    name: str
    annotation: Any
    default: Any
    text: str = ""
    argument: str | None = None

    @property
    def type(self) -> str:
        """The type as Python writes it, e.g. ``"int | None"``."""
        return type_name(self.annotation)

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts that are allowed; empty if there is no such list."""
        return choices(self.annotation)


@dataclass(frozen=True)
class Strategy:
    """A strategy, with its generator and its abilities.

    Its options are the arguments of the generator, whose annotations and docstring say what
    each must be and what it means. An argument that is annotated with a dataclass
    (``Annotated[Mapping[str, Any] | None, GCNOptions]``) stands for the fields of it.

    Args:
        name: Its name.
        summary: One line for people.
        generator: The class that proposes its trials.
        fixed: Arguments of the generator that are no options.
        defaults: Options whose defaults are not those of the generator.
        draws: Whether random trials come first, until ``num_initial`` of them have data.
        page: The page of the documentation that describes it.
    """

    name: str
    summary: str
    generator: type[HistoryGenerator] | type[EncodingGenerator]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    draws: bool = False
    page: str = "docs/strategies.md"

    @property
    def space(self) -> TrialKind:
        """The kind of search space that it needs."""
        return self.generator.space

    @property
    def multi_objective(self) -> bool:
        """True if it may search a Pareto front, and under limits."""
        return self.generator.scope != "one"

    @property
    def joint(self) -> bool:
        """True if it also searches hyperparameters."""
        return "hyperparameters" in inspect.signature(self.generator).parameters

    @property
    def needs(self) -> str:
        """The requirement that ``pip`` must install for it beside the package; empty for none."""
        needs = self.generator.needs
        return "" if needs is None else f"ax-anasod[{needs[1]}]"

    @property
    def origin(self) -> str | None:
        """The module of a user's own that registers it; other processes have to import it."""
        module = self.generator.__module__
        return None if module.startswith("ax_anasod.") else module

    @cached_property
    def options(self) -> dict[str, Option]:
        """Its options by name."""
        given = {*GIVEN, *self.fixed}
        if issubclass(self.generator, DrawGenerator):
            given |= inspect.signature(DrawGenerator).parameters.keys()
        options = {}
        if self.draws:
            text = "Random trials with data before the first of the generator."
            options["num_initial"] = Option("num_initial", NonNegativeInt, NUM_INITIAL, text)
        types, texts = argument_types(self.generator), argument_texts(self.generator)
        for name, argument in inspect.signature(self.generator).parameters.items():
            if name in given:
                continue
            group = _group(types[name])
            if group is None:
                text = texts.get(name, "")
                options[name] = Option(name, types[name], argument.default, text)
                continue
            for each in fields(group):
                annotation = argument_types(group)[each.name]
                text = argument_texts(group)[each.name]
                options[each.name] = Option(each.name, annotation, each.default, text, name)
        return {
            name: replace(option, default=self.defaults.get(name, option.default))
            for name, option in options.items()
        }

    def build(
        self, search_space: AnasodSearchSpace | CellSearchSpace, seed: int, given: Mapping[str, Any]
    ) -> GenerationStrategy:
        """Build the Ax generation strategy.

        Args:
            search_space: The search space.
            seed: The seed of the run.
            given: Options that differ from their defaults.

        Raises:
            UnknownNameError: The strategy has no such option.
            OptionError: A value is out of range or of the wrong type.
            CellError: The cell lacks what the strategy needs.
            OptionalImportError: The strategy needs a package that is not installed.
        """
        for name in given:
            if name not in self.options:
                kind = f"option of strategy {self.name!r}:"
                raise UnknownNameError(kind, name, self.options or ["(none)"])
        values = {name: option.default for name, option in self.options.items()}
        values.update(given)
        num_initial = values.get("num_initial", 0) if self.draws else 0
        common, arguments = common_arguments(search_space, seed), self._arguments(values)
        # The generator refuses wrong arguments now, not after the first trials.
        model: Any = self.generator(**common, **arguments)
        adapter = model.adapter_kwargs
        if issubclass(self.generator, HistoryGenerator):
            nodes = [history_node(self.name, self.name, {**common, **adapter}, arguments)]
        else:
            stored = {**common, **arguments, **adapter}
            nodes = [node(self.name, AnasodGenerators.ANASOD_BO, stored)]
        if num_initial:
            nodes = [draws_before(model, common, self.name, num_initial), *nodes]
        return SearchStrategy(name=self.name, nodes=nodes)

    def _arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the generator besides the cell and the seed."""
        accepted = inspect.signature(self.generator).parameters
        arguments = dict(self.fixed)
        for name, option in self.options.items():
            if option.argument is not None:
                arguments.setdefault(option.argument, {})[name] = values[name]
            elif name in accepted:
                arguments[name] = values[name]
        return arguments


def _group(annotation: Any) -> type[Any] | None:
    """The dataclass that an argument is annotated with."""
    metadata = getattr(annotation, "__metadata__", ())
    return next((each for each in metadata if isinstance(each, type)), None)
