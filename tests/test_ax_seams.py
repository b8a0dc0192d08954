"""What we rely on in Ax, BoTorch, GPyTorch and typer beside their public names.

When a release of theirs breaks us, the tests that fail here name what has changed.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import pytest
import torch
import typer
from ax.adapter.base import Adapter
from ax.api.client import Client
from ax.core.experiment import Experiment
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from ax.service.ax_client import AxClient
from ax.storage.registry_bundle import RegistryBundle
from ax.storage.sqa_store.decoder import Decoder
from ax.storage.sqa_store.encoder import Encoder
from botorch.acquisition.multi_objective import logei
from gpytorch.kernels import RBFKernel, ScaleKernel

import ax_anasod
from ax_anasod import _ax
from ax_anasod.cells import Cell
from ax_anasod.cli import _typer
from ax_anasod.exceptions import OptionError
from ax_anasod.experiment import make_client
from ax_anasod.storage import storage_config
from ax_anasod.storage.sql import close_database
from ax_anasod.surrogates.gp import free_at_once

PACKAGE = Path(ax_anasod.__file__).parent
UPSTREAM = ("ax.", "botorch.", "gpytorch.")

# What our classes override of theirs, where it has no public name, and why.
OVERRIDES = {
    "CheckedAdapter._validate_gen_inputs": "the last place before transforms cut fractions off",
    "EncodingAdapter._compute_in_design": "Ax transforms and checks each arm by itself",
    "EncodingAdapter._cross_validate": "threads and random numbers of the program stay",
    "EncodingAdapter._fit": "threads and random numbers of the program stay",
    "EncodingAdapter._gen": "the acquisition is told where the run stands",
    "EncodingAdapter._predict_observation_data": "Ax's slices leave the simplex",
    "EncodingAdapter._set_and_filter_training_data": "failed arms are taken out of the data",
    "EncodingAdapter._transform_data": "Ax's Cast converts every trial again at each step",
    "HistoryAdapter._cross_validate": "the generator learns from a part of the history",
    "HistoryAdapter._gen": "the generator reads the history",
    "HistoryAdapter._predict": "the generator predicts from the history",
    "HistoryAdapter._process_and_transform_data": "Ax makes tables that nobody reads",
    "HistoryGenerator._get_state": "Ax would store a seed and a position that follow already",
    "EncodingAcquisition._update_objective_thresholds": "the goal has a reference point of its own",
    "EncodingAcquisition._instantiate_acquisition": "Ax looks the options of the acquisition up",
    "EncodingGenerator._instantiate_acquisition": "the acquisition depends on the objectives",
    "RepeatablePercentileEarlyStoppingStrategy._lookup_and_validate_data": (
        "repeats of an encoding share an arm's name"
    ),
    "AnasodDecoder._init_experiment_from_sqa": "SQL knows no subclasses of search spaces",
    "ExpectedImprovementStoppingStrategy._should_stop_optimization": "what Ax asks subclasses for",
}
# What our classes read, set or call of the private state that theirs have, and why.
INHERITED = {
    "CheckedAdapter._experiment": "an adapter shows its experiment nowhere",
    "EncodingAdapter._experiment": "an adapter shows its experiment nowhere",
    "EncodingAdapter._fit_tracking_metrics": "what is only reported has no model then",
    "EncodingAdapter._optimization_config": "thresholds are of what the adapter searches",
    "EncodingAdapter._transform_configs": "points are rounded as the transform rounds them",
    "HistoryAdapter._compute_in_design": "Ax's adapters mark the arms of the search space",
    "HistoryAdapter._data_loader_config": "trials are read as Ax's adapters read them",
    "HistoryAdapter._experiment": "an adapter shows its experiment nowhere",
    "HistoryAdapter._model_space": "what Ax's adapters return with the data",
    "HistoryAdapter._search_space": "it follows the experiment's",
    "HistoryAdapter._set_search_space": "it follows the experiment's",
    "HistoryAdapter._training_data": "tables are made only when they are asked for",
    "HistoryAdapter._training_in_design_idx": "tables are made only when they are asked for",
    "SeriesTable._create_analysis_card": "how Ax's analyses make their cards",
    "SearchOverview._create_analysis_card_group": "how Ax's analyses make their groups",
    "FrozenSearchSpace._parameter_constraints": "not there yet while the constructor sets them",
    "SearchStrategy._gen_with_multiple_nodes": "what Ax's `gen` calls, without its tables",
    "EncodingAcquisition._model": "it learns of believed trials",
    "EncodingAcquisition._objective_thresholds": "the goal has a reference point of its own",
    "EncodingAcquisition._subset_idcs": "the model may be of some outcomes only",
    "EncodingGenerator._botorch_acqf_class": "Ax would choose by the number of objectives",
    "EncodingGenerator._user_specified_botorch_acqf_class": "or Ax would choose again",
}
# What is read elsewhere, where nothing may know of Ax.
ELSEWHERE = {
    # GPyTorch's modules refer to themselves, see below.
    "surrogates/gp.py": {"_load_state_dict_pre_hooks"},
    # The base of torch's batch norms, which has no public name.
    "dnas/supernet.py": {"_BatchNorm"},
    # The way that `os` documents to end a process at once.
    "locks.py": {"_exit"},
}


@pytest.fixture
def client(toy_cell: Cell) -> Client:
    made = make_client(toy_cell, "anasod-random", seed=3)
    for index in made.get_next_trials(2):
        made.complete_trial(index, {"error": 1.5 + index})
    return made


def test_a_client_has_an_experiment_and_a_strategy(client: Client) -> None:
    experiment = _ax.experiment_of(client)
    assert len(experiment.trials) == 2
    assert _ax.experiment_of(experiment) is experiment
    strategy = _ax.strategy_of(client)
    assert [node.name for node in _ax.nodes_of(strategy)] == list(strategy.nodes_by_name)
    service = AxClient(generation_strategy=strategy, verbose_logging=False)
    service._set_experiment(experiment)
    assert _ax.strategy_of(service) is strategy
    assert _ax.experiment_of(service) is experiment
    for what in (Client(), experiment):
        with pytest.raises(OptionError, match="with a strategy is needed"):
            _ax.strategy_of(what)
    with pytest.raises(OptionError, match="a Client, AxClient or Experiment is needed, got 3"):
        _ax.experiment_of(3)


def test_properties_are_kept_with_an_experiment() -> None:
    experiment = Experiment(SearchSpace([]), name="plain", properties={"ours": 1})
    assert _ax.properties_of(experiment)["ours"] == 1
    name = "immutable_search_space_and_opt_config"
    _ax.properties_of(experiment)[name] = True
    assert getattr(experiment, name) is True


def test_an_experiment_takes_another_search_space_after_its_trials(client: Client) -> None:
    experiment, other = _ax.experiment_of(client), SearchSpace([])
    _ax.set_search_space(experiment, other)
    assert experiment.search_space is other


def test_rows_of_data_are_the_same_objects_each_time(client: Client) -> None:
    data = _ax.experiment_of(client).data
    rows = _ax.data_rows(data)
    assert [(row.trial_index, row.metric_signature, row.mean) for row in rows] == [
        (0, "error", 1.5),
        (1, "error", 2.5),
    ]
    assert all(a is b for a, b in zip(rows, _ax.data_rows(data), strict=True))


def test_a_proposal_says_where_it_comes_from_and_keeps_metadata(client: Client) -> None:
    experiment = _ax.experiment_of(client)
    (run,) = experiment.trials[0].generator_runs
    assert _ax.origin_of(run) == ("anasod-random", "anasod-random")
    signature = run.arms[0].signature
    _ax.set_candidate_metadata(run, {signature: {"note": 1}})
    assert run.candidate_metadata_by_arm_signature == {signature: {"note": 1}}
    index = client.attach_trial(dict(experiment.trials[0].arms[0].parameters))
    (attached,) = experiment.trials[index].generator_runs
    assert _ax.origin_of(attached)[0] == ""


def test_copies_and_replacements_have_the_right_identity() -> None:
    stored = RangeParameter("x", ParameterType.INT, 0, 3)
    stored._db_id = 17
    copied = _ax.without_identity(stored)
    assert (copied.name, copied.upper, copied.db_id) == ("x", 3, None)
    assert stored.db_id == 17
    _ax.take_identity(copied, stored)
    assert copied.db_id == 17


def test_a_trial_is_saved_and_a_name_is_found(
    client: Client, toy_cell: Cell, tmp_path: Path
) -> None:
    try:
        config = storage_config(tmp_path / "runs.db")
        stored = make_client(toy_cell, "anasod-random", name="kept", storage_config=config)
        assert _ax.is_stored(stored, "kept")
        assert not _ax.is_stored(stored, "other")
        parameters = dict(_ax.experiment_of(client).trials[0].arms[0].parameters)
        _, index = _ax.experiment_of(stored).attach_trial([parameters])
        _ax.save_trial(stored, index)
        assert list(_ax.experiment_of(Client.load_from_database("kept", config)).trials) == [index]
    finally:
        close_database()


def test_a_bundle_takes_a_decoder() -> None:
    bundle = RegistryBundle(metric_clss={}, runner_clss={})

    class Own(Decoder):
        pass

    _ax.set_decoder(bundle, Own(bundle.sqa_config))
    assert type(bundle.decoder) is Own


def test_a_bundle_takes_an_encoder() -> None:
    bundle = RegistryBundle(metric_clss={}, runner_clss={})

    class Own(Encoder):
        pass

    _ax.set_encoder(bundle, Own(bundle.sqa_config))
    assert type(bundle.encoder) is Own


def test_a_transform_reaches_what_its_adapter_searches(toy_cell: Cell) -> None:
    client = make_client(toy_cell, "anasod-bo", num_initial=1)
    for index in client.get_next_trials(1):
        client.complete_trial(index, {"error": 1.0})
    (spec,) = _ax.nodes_of(_ax.strategy_of(client))[-1].generator_specs
    experiment = _ax.experiment_of(client)
    spec.fit(experiment)
    adapter = spec.fitted_adapter
    assert isinstance(adapter, Adapter)
    assert _ax.experiment_behind(adapter) is experiment
    config = _ax.objectives_behind(adapter)
    assert config is not None
    assert config.objective.metric_names == ["error"]
    assert _ax.transform_config(adapter, "BomzeRounding")["total"] == 6


def test_botorch_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logei, "_load_attempted", False)
    monkeypatch.setattr(logei, "_C", None)
    _ax.without_native_logei()
    with mock.patch("torch.utils.cpp_extension.load") as compiled:
        logei._try_load_fused_kernel()
    compiled.assert_not_called()
    monkeypatch.setattr(logei, "_load_attempted", False)
    with mock.patch("torch.utils.cpp_extension.load") as compiled:
        logei._try_load_fused_kernel()
    compiled.assert_called_once()


def test_gpytorch_modules_go_when_their_last_reference_does() -> None:
    kernel = ScaleKernel(RBFKernel())
    hooks = [part._load_state_dict_pre_hooks for part in kernel.modules()]
    assert any(hooks)
    free_at_once(kernel)
    assert not any(hooks)
    assert kernel(torch.zeros(2, 1)).to_dense().shape == (2, 2)


def test_what_typer_refuses_has_one_class() -> None:
    assert issubclass(_typer.UsageError, Exception)
    assert _typer.UsageError.__name__ == "UsageError"


@pytest.fixture
def small_app() -> typer.Typer:
    """An application with two commands, one of which says what it was given."""
    app = typer.Typer()

    def listed(**values: Any) -> dict[str, Any]:
        context = values.pop("context")
        return {n: (v, _typer.was_given(context, n)) for n, v in values.items()}

    annotations = {
        "context": typer.Context,
        "size": Annotated[int, typer.Option("--size-of")],
        "rate": Annotated[float, typer.Option()],
    }
    defaults = {"context": inspect.Parameter.empty, "size": 1, "rate": 0.5}
    _typer.set_parameters(
        listed,
        [
            inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=defaults[n], annotation=a)
            for n, a in annotations.items()
        ],
    )
    app.command("list")(listed)
    app.command("other")(lambda: None)
    return app


def test_a_function_has_the_parameters_that_it_was_given(small_app: typer.Typer) -> None:
    found = _typer.run_command(small_app, ["list", "--size-of", "3"], "program")
    assert found == {"size": (3, True), "rate": (0.5, False)}


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["list", "--size-off", "3"], "no such option '--size-off'", "did you mean '--size-of'?"),
        (["lst"], "no such command 'lst'", "did you mean 'list'?"),
        (["list", "--size-of"], "option '--size-of' requires an argument", None),
    ],
)
def test_refusals_of_typer_have_a_message_and_a_hint(
    small_app: typer.Typer, arguments: list[str], message: str, hint: str | None
) -> None:
    with pytest.raises(_typer.UsageError) as caught:
        _typer.run_command(small_app, arguments, "program")
    assert _typer.explain(caught.value) == (message, hint)


def test_an_option_has_its_name_in_its_annotation() -> None:
    option, argument = typer.Option("--on/--off"), typer.Argument()
    assert isinstance(option, _typer.OptionInfo)
    assert isinstance(argument, _typer.ParameterInfo)
    assert not isinstance(argument, _typer.OptionInfo)
    assert _typer.flag_of("state", option) == "--on"
    assert _typer.flag_of("the_state", typer.Option()) == "--the-state"


def our_subclasses() -> Iterator[tuple[type[Any], list[type[Any]]]]:
    """Our classes that inherit from theirs, and the ones that they inherit from."""
    for module in pkgutil.walk_packages(ax_anasod.__path__, "ax_anasod."):
        if module.name.endswith("__main__") or "worker_script" in module.name:
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name:
                bases = [b for b in kind.__mro__ if b.__module__.startswith(UPSTREAM)]
                if bases:
                    yield kind, bases


SUBCLASSES = list(our_subclasses())
FOUND = [
    (kind, base, name)
    for kind, bases in SUBCLASSES
    for base in bases
    for name in sorted(vars(kind).keys() & vars(base).keys())
    # Not what Python and its enumerations are made of.
    if callable(getattr(base, name)) and not name.endswith("_")
]


def test_every_private_override_is_listed_with_its_reason() -> None:
    private = {f"{kind.__name__}.{name}" for kind, _, name in FOUND if name.startswith("_")}
    assert private == OVERRIDES.keys()


@pytest.mark.parametrize(
    ("kind", "base", "name"), FOUND, ids=[f"{k.__name__}.{n}-{b.__name__}" for k, b, n in FOUND]
)
def test_an_override_takes_what_theirs_takes(kind: type, base: type, name: str) -> None:
    own = inspect.signature(getattr(kind, name)).parameters
    theirs = inspect.signature(getattr(base, name)).parameters
    if any(p.kind is p.VAR_KEYWORD for p in own.values()):
        return
    assert theirs.keys() - own.keys() <= {"args", "kwargs", "_kwargs"}
    more = [own[n] for n in own.keys() - theirs.keys()]
    assert all(p.default is not p.empty for p in more)


def is_own(node: ast.expr) -> bool:
    """Whether an expression is the object, its class, or what it inherits."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def private_names_of(kind: type, *, set_only: bool = False) -> set[str]:
    """Private attributes that the methods of a class read, call and set of their own object."""
    names = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        if isinstance(node, ast.Attribute) and is_own(node.value):
            if isinstance(node.ctx, ast.Store) or not set_only:
                names.add(node.attr)
        elif isinstance(node, ast.Call) and not set_only:
            match node:
                case ast.Call(
                    func=ast.Name("getattr" | "setattr"),
                    args=[ast.Name("self"), ast.Constant(str(name)), *_],
                ):
                    names.add(name)
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def test_inherited_private_state_is_theirs_and_listed_with_its_reason() -> None:
    used = set()
    for kind, bases in SUBCLASSES:
        theirs: set[str] = set()
        for base in bases:
            theirs |= vars(base).keys() | inspect.get_annotations(base).keys()
            theirs |= private_names_of(base, set_only=True)
        used |= {f"{kind.__name__}.{name}" for name in private_names_of(kind) & theirs}
    assert used - OVERRIDES.keys() == INHERITED.keys()


def private_names_of_others(path: Path, defined: set[str]) -> set[str]:
    """Private attributes that a file reads of others than `self`, and that we do not define."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not is_own(node.value)
        and node.attr not in defined
    }


def names_that_we_define() -> set[str]:
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in (part for each in targets for part in ast.walk(each)):
                    if isinstance(target, ast.Name):
                        names.add(target.id)
                    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                        names |= {target.attr} if target.value.id == "self" else set()
    return names


def test_private_names_of_others_are_read_in_one_file_only() -> None:
    defined = names_that_we_define()
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if (names := private_names_of_others(path, defined))
    }
    assert "_db_id" in found.pop("_ax.py")
    assert found == ELSEWHERE
