"""NAS-Bench-201: the right values, seeds and costs, by every route."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ax_anasod import cells, nasbench
from ax_anasod.exceptions import ArchitectureError, BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import NASBench201Benchmark, Objective

_EXTRA = "needs the extra [nasbench201]"
nas_201_api = pytest.importorskip("nas_201_api", reason=_EXTRA)
nats_bench = pytest.importorskip("nats_bench", reason=_EXTRA)

Make = Callable[..., NASBench201Benchmark]

ROUTES = ["file", "api", "nats file", "nats folder", "nats api", "nats fast api", "cache"]


@pytest.fixture(params=ROUTES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Builds the benchmark of the same four architectures by each of the routes."""
    route: str = request.param
    value = request.getfixturevalue

    def build(dataset: str = "cifar10", **options: Any) -> NASBench201Benchmark:
        options = {"present_only": True} | options
        if route == "file":
            return NASBench201Benchmark(value("file_201"), dataset, **options)
        if route == "cache":
            keep = tmp_path / "kept.parquet"
            NASBench201Benchmark.from_api(
                api_201(value("content_201")), keep=keep, present_only=True
            )
            return NASBench201Benchmark(keep, dataset, **options)
        if route == "nats file":
            return NASBench201Benchmark(value("file_nats"), dataset, **options)
        if route == "nats folder":
            return NASBench201Benchmark(value("folder_nats"), dataset, **options)
        if route == "api":
            api: Any = api_201(value("content_201"))
        elif route == "nats api":
            api = nats_bench.create(str(value("file_nats")), "tss", verbose=False)
        else:
            folder = str(value("folder_nats"))
            api = nats_bench.create(folder, "tss", fast_mode=True, verbose=False)
        return NASBench201Benchmark.from_api(api, dataset, **options)

    return build


def api_201(content: dict[str, Any]) -> Any:
    return nas_201_api.NASBench201API(content, verbose=False)


@pytest.fixture
def api(content_201: dict[str, Any]) -> Any:
    return api_201(content_201)


PAIRING = {
    "cifar10": {"valid": ("cifar10-valid", "x-valid"), "test": ("cifar10", "ori-test")},
    "cifar100": {"valid": ("cifar100", "x-valid"), "test": ("cifar100", "x-test")},
    "ImageNet16-120": {
        "valid": ("ImageNet16-120", "x-valid"),
        "test": ("ImageNet16-120", "x-test"),
    },
}
SLUGS = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "imagenet16_120"}


@pytest.mark.parametrize("epochs", [12, 200])
@pytest.mark.parametrize("dataset", PAIRING)
def test_means_agree_with_the_package(make: Make, api: Any, dataset: str, epochs: int) -> None:
    benchmark = make(dataset, epochs=epochs)
    slug = SLUGS[dataset]
    assert benchmark.objectives == (Objective(f"{slug}_valid_error", "percent"),)
    assert benchmark.reported == (Objective(f"{slug}_test_error", "percent"),)
    assert (benchmark.name, benchmark.dataset) == ("nas-bench-201", dataset)
    assert (benchmark.epochs, benchmark.seeds) == (epochs, "mean")
    result = benchmark.query(benchmark.cell.from_strings(api.meta_archs))
    for index in range(len(api)):
        record = api.query_by_index(index, hp=str(epochs))
        for split, (run, official) in PAIRING[dataset].items():
            accuracy = record.get_metrics(run, official)["accuracy"]
            assert result[f"{slug}_{split}_error"][index] == pytest.approx(
                100 - accuracy, abs=1e-12
            )
        run = PAIRING[dataset]["valid"][0]
        info = api.get_more_info(index, run, hp=str(epochs), is_random=False)
        assert result["cost_seconds"][index] == pytest.approx(info["train-all-time"])


@pytest.mark.parametrize("epochs", [12, 200])
@pytest.mark.parametrize("dataset", PAIRING)
def test_single_seeds_agree_with_the_package(
    make: Make, api: Any, dataset: str, epochs: int
) -> None:
    benchmark = make(dataset, epochs=epochs, seeds="single")
    means = make(dataset, epochs=epochs)
    slug, run = SLUGS[dataset], PAIRING[dataset]["valid"][0]
    codes = benchmark.cell.from_strings(api.meta_archs)
    for index, seeds in enumerate(benchmark.seeds_of(codes)):
        record = api.query_by_index(index, hp=str(epochs))
        assert list(seeds) == record.get_dataset_seeds(run)
        repeated = codes[[index] * len(seeds)]
        result = benchmark.query(repeated, np.array(seeds))
        expected = means.query(repeated)
        for i, seed in enumerate(seeds):
            accuracy = record.get_metrics(run, "x-valid", is_random=seed)["accuracy"]
            time = record.get_metrics(run, "train", is_random=seed)["all_time"]
            assert result[f"{slug}_valid_error"][i] == 100 - accuracy
            assert result["cost_seconds"][i] == pytest.approx(time)
        # What is reported does not depend on the seed that was searched with.
        assert (result[f"{slug}_test_error"] == expected[f"{slug}_test_error"]).all()
        assert (result[f"{slug}_valid_error_mean"] == expected[f"{slug}_valid_error"]).all()


def test_searching_the_test_split(make: Make) -> None:
    benchmark = make("cifar10", search="test", seeds="single")
    valid = make("cifar10")
    assert [o.name for o in benchmark.objectives] == ["cifar10_test_error"]
    names = [o.name for o in benchmark.reported]
    assert names == ["cifar10_valid_error", "cifar10_test_error_mean"]
    codes = benchmark.cell.enumerate()
    seeds = benchmark.draw_seeds(codes, np.random.default_rng(0))
    assert (
        benchmark.query(codes, seeds)["cifar10_test_error_mean"].tolist()
        == valid.query(codes)["cifar10_test_error"].tolist()
    )


def test_report_can_be_left_out(file_201: Path) -> None:
    benchmark = NASBench201Benchmark(file_201, report=(), present_only=True)
    assert benchmark.reported == ()
    assert set(benchmark.query(benchmark.cell.enumerate())) == {
        "cifar10_valid_error",
        "cost_seconds",
    }


def test_cifar10_valid_is_understood(file_201: Path) -> None:
    alias = NASBench201Benchmark(file_201, "cifar10-valid", present_only=True)
    plain = NASBench201Benchmark(file_201, "cifar10", present_only=True)
    assert alias.dataset == "cifar10"
    assert alias.fingerprint() == plain.fingerprint()


# Seeds


def test_seed_that_an_architecture_lacks(make: Make, api: Any) -> None:
    benchmark = make("cifar100", seeds="single")
    # The second and third architecture of the fixture have two seeds and one.
    codes = benchmark.cell.from_strings(api.meta_archs[1:3])
    assert benchmark.seeds_of(codes) == [(777, 888), (777,)]
    message = (
        r"'\|none~0.*none~2\|' has no x-valid accuracy on cifar100 after 200 epochs with seed 888 "
        r"\(its seeds: 777\)"
    )
    with pytest.raises(BenchmarkError, match=message):
        benchmark.query(codes, np.array([888, 888]))
    # Neither a seed between the known ones, nor one beyond them, is taken for another.
    for seed in (1, 800, 10_000):
        with pytest.raises(BenchmarkError, match=f"seed {seed} .its seeds: 777, 888"):
            benchmark.query(codes[:1], np.array([seed]))


def test_drawn_seeds_are_uniform_over_those_there_are(file_201: Path) -> None:
    benchmark = NASBench201Benchmark(file_201, seeds="single", present_only=True)
    codes = np.repeat(benchmark.cell.enumerate(), 3000, axis=0)
    seeds = benchmark.draw_seeds(codes, np.random.default_rng(0))
    assert seeds is not None
    for block, owned in zip(
        seeds.reshape(4, 3000), benchmark.seeds_of(benchmark.cell.enumerate()), strict=True
    ):
        drawn, times = np.unique(block, return_counts=True)
        assert tuple(drawn) == owned
        assert np.abs(times - 3000 / len(owned)).max() < 150
    again = benchmark.draw_seeds(codes, np.random.default_rng(0))
    assert again is not None
    assert seeds.tolist() == again.tolist()


def test_single_seeds_must_be_given_and_means_have_none(file_201: Path) -> None:
    single = NASBench201Benchmark(file_201, seeds="single", present_only=True)
    codes = single.cell.enumerate()
    with pytest.raises(OptionError, match=r"needs a seed for each architecture.*draw_seeds"):
        single.query(codes)
    for seeds, got in ((np.array([777]), "shape"), (np.full(4, 777.0), "of type float64")):
        with pytest.raises(OptionError, match=f"seeds must be 4 whole numbers.*{got}"):
            single.query(codes, seeds)
    mean = NASBench201Benchmark(file_201, present_only=True)
    assert mean.draw_seeds(codes, np.random.default_rng(0)) is None
    with pytest.raises(OptionError):
        mean.query(codes, np.full(4, 777))


def test_optimum_of_means_and_of_single_runs(file_201: Path) -> None:
    single = NASBench201Benchmark(file_201, "cifar100", seeds="single", present_only=True)
    mean = NASBench201Benchmark(file_201, "cifar100", present_only=True)
    codes = single.cell.enumerate()
    runs = [
        single.query(codes[i : i + 1], np.array([seed]))["cifar100_valid_error"][0]
        for i, seeds in enumerate(single.seeds_of(codes))
        for seed in seeds
    ]
    assert single.optimum("cifar100_valid_error") == min(runs)
    best_mean = mean.query(codes)["cifar100_valid_error"].min()
    assert mean.optimum("cifar100_valid_error") == best_mean
    assert single.optimum("cifar100_valid_error_mean") == best_mean
    assert min(runs) < best_mean
    assert mean.optimum("cifar100_test_error") == mean.query(codes)["cifar100_test_error"].min()
    with pytest.raises(UnknownNameError):
        mean.optimum("cifar100_val_error")


# What the file lacks


def test_lacking_architectures_are_refused_unless_asked_for(file_201: Path) -> None:
    with pytest.raises(BenchmarkError):
        NASBench201Benchmark(file_201)
    benchmark = NASBench201Benchmark(file_201, present_only=True)
    assert benchmark.cell.size == 4
    absent = cells.get("nas-bench-201").from_strings(
        ["|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"]
    )
    with pytest.raises(ArchitectureError):
        benchmark.query(absent)


def test_whole_benchmark_needs_no_restriction() -> None:
    cell = cells.get("nas-bench-201")
    strings = cell.to_strings(cell.enumerate())
    rng = np.random.default_rng(0)
    accuracies = rng.uniform(5, 95, len(strings))
    times = {0: 2.5}
    records = {}
    for index, (string, accuracy) in enumerate(zip(strings, accuracies, strict=True)):
        splits = {f"{split}@0": float(accuracy) for split in ("x-valid", "x-test")}
        result = SimpleNamespace(epochs=1, eval_acc1es=splits, train_times=times)
        records[index] = {
            "200": SimpleNamespace(
                arch_str=string,
                dataset_seed={"cifar100": [777]},
                all_results={("cifar100", 777): result},
            )
        }
    api = SimpleNamespace(meta_archs=strings, arch2infos_dict=records)
    benchmark = NASBench201Benchmark.from_api(api, "cifar100")
    assert benchmark.cell == cell
    assert (benchmark.query(cell.enumerate())["cifar100_valid_error"] == 100 - accuracies).all()


def test_results_that_the_file_does_not_hold(content_201: dict[str, Any], tmp_path: Path) -> None:
    only_cifar10 = {
        index: {
            "full": record["full"]
            | {"dataset_seed": {"cifar10-valid": record["full"]["dataset_seed"]["cifar10-valid"]}}
        }
        for index, record in content_201["arch2infos"].items()
    }
    path = tmp_path / "file.pth"
    torch.save(content_201 | {"arch2infos": only_cifar10}, path)
    there = r"it holds runs on cifar10-valid after 200 epochs"
    with pytest.raises(BenchmarkError, match=rf"no x-valid accuracy on cifar100 .*{there}"):
        NASBench201Benchmark(path, "cifar100", present_only=True)
    with pytest.raises(
        BenchmarkError, match="no x-valid accuracy on cifar10-valid after 12 epochs"
    ):
        NASBench201Benchmark(path, epochs=12, present_only=True)
    with pytest.raises(BenchmarkError, match="no ori-test accuracy on cifar10 after 200"):
        NASBench201Benchmark(path, present_only=True)
    assert NASBench201Benchmark(path, report=(), present_only=True).cell.size == 4


def test_architecture_without_the_reported_split_is_not_searched(
    content_201: dict[str, Any], tmp_path: Path
) -> None:
    first = content_201["arch2infos"][0]["full"]
    without_test = {"dataset_seed": first["dataset_seed"] | {"cifar10": []}}
    infos = content_201["arch2infos"] | {0: {"full": first | without_test}}
    torch.save(content_201 | {"arch2infos": infos}, tmp_path / "file.pth")
    assert NASBench201Benchmark(tmp_path / "file.pth", present_only=True).cell.size == 3
    assert NASBench201Benchmark(tmp_path / "file.pth", report=(), present_only=True).cell.size == 4


def test_no_cost_where_a_training_time_is_unknown(
    content_201: dict[str, Any], tmp_path: Path
) -> None:
    record = content_201["arch2infos"][1]["full"]
    key = ("cifar100", 888)
    results = record["all_results"] | {key: record["all_results"][key] | {"train_times": None}}
    infos = content_201["arch2infos"] | {1: {"full": record | {"all_results": results}}}
    torch.save(content_201 | {"arch2infos": infos}, tmp_path / "file.pth")
    options = {"present_only": True, "seeds": "single"}
    lacking = NASBench201Benchmark(tmp_path / "file.pth", "cifar100", **options)
    assert not lacking.has_cost
    codes = lacking.cell.enumerate()
    seeds = lacking.draw_seeds(codes, np.random.default_rng(0))
    assert "cost_seconds" not in lacking.query(codes, seeds)
    assert NASBench201Benchmark(tmp_path / "file.pth", "cifar10", **options).has_cost


def test_size_search_space_is_refused(content_nats: dict[str, Any], tmp_path: Path) -> None:
    record = content_nats["arch2infos"][0]["200"] | {"arch_str": "64:48:32:16:8"}
    content = {"meta_archs": ["64:48:32:16:8"], "arch2infos": {0: {"200": record}}}
    nats_bench.pickle_save(content, str(tmp_path / "NATS-sss.pickle"))
    with pytest.raises(BenchmarkError, match=r"not of the topology search space.*64:48:32:16:8"):
        NASBench201Benchmark(tmp_path / "NATS-sss.pickle.pbz2", present_only=True)


def test_object_that_is_no_api() -> None:
    with pytest.raises(BenchmarkError, match=r"a dict is no API .* it has no meta_archs"):
        NASBench201Benchmark.from_api({})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dataset": "cifar-100"}, UnknownNameError, "data set 'cifar-100' .*mean 'cifar100'"),
        ({"epochs": 90}, OptionError, "epochs is 90, the benchmark has 12 and 200"),
        ({"seeds": "all"}, OptionError, "seeds is 'all', allowed are 'mean' and 'single'"),
        ({"search": "train"}, UnknownNameError, "split 'train' .known: valid, test"),
        ({"report": ["tset"]}, UnknownNameError, "split 'tset' .did you mean 'test'"),
        ({"report": ["valid"]}, OptionError, "'valid' is searched, so it cannot be reported"),
    ],
)
def test_refuses_options_before_the_file_is_read(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        NASBench201Benchmark(tmp_path / "absent.pth", **options)


# Saving and restoring


@pytest.mark.parametrize("seeds", ["mean", "single"])
@pytest.mark.parametrize("form", ["file_201", "file_nats", "folder_nats"])
def test_round_trip(request: pytest.FixtureRequest, form: str, seeds: str) -> None:
    path = request.getfixturevalue(form)
    benchmark = NASBench201Benchmark(
        path, "cifar100", epochs=12, seeds=seeds, search="test", report=(), present_only=True
    )
    description = json.loads(json.dumps(benchmark.to_dict()))
    restored = nasbench.from_dict(description)
    assert isinstance(restored, NASBench201Benchmark)
    assert restored.to_dict() == description
    assert restored.objectives == benchmark.objectives
    assert restored.cell == benchmark.cell


def test_api_object_is_restored_from_the_kept_file(api: Any, tmp_path: Path) -> None:
    loose = NASBench201Benchmark.from_api(api, present_only=True)
    with pytest.raises(BenchmarkError, match=r"made from an API object.*keep=FILE\.parquet"):
        loose.to_dict()
    kept = NASBench201Benchmark.from_api(api, present_only=True, keep=tmp_path / "kept.parquet")
    restored = nasbench.from_dict(json.loads(json.dumps(kept.to_dict())))
    assert isinstance(restored, NASBench201Benchmark)
    assert restored.fingerprint() == loose.fingerprint()


def test_refuses_to_restore_from_another_file(
    content_201: dict[str, Any], file_201: Path, tmp_path: Path
) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(file_201.read_bytes())
    options = {"present_only": True, "seeds": "single"}
    description = NASBench201Benchmark(path, **options).to_dict()
    fewer = {i: content_201["arch2infos"][i] for i in (0, 1)}
    torch.save(content_201 | {"arch2infos": fewer}, path)
    with pytest.raises(BenchmarkError):
        nasbench.from_dict(description)
    path.unlink()
    with pytest.raises(BenchmarkError):
        nasbench.from_dict(description)


def test_cache_option_is_restored(file_201: Path, tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(file_201.read_bytes())
    benchmark = NASBench201Benchmark(path, present_only=True, cache=True)
    assert (tmp_path / "file.pth.trials.parquet").exists()
    assert nasbench.from_dict(benchmark.to_dict()).to_dict() == benchmark.to_dict()
