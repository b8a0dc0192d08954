"""Ensembles found by the files that the package writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench301.model_folders import CONFIGS, MODEL, find_ensembles


def member(folder: Path, model: str = "xgb") -> Path:
    """The files of a member, without a model that could be loaded."""
    folder.mkdir(parents=True)
    (folder / MODEL).touch()
    (folder / CONFIGS[0]).write_text(json.dumps({"model": model}))
    (folder / CONFIGS[1]).write_text(json.dumps({"seed": 0}))
    return folder


def test_ensembles_of_several_kinds(tmp_path: Path) -> None:
    for model, name in (("xgb", "xgb_v1.0"), ("lgb_time", "lgb_runtime_v1.0"), ("gnn_gin", "gnn")):
        for number in (2, 0, 1):
            member(tmp_path / "nb_models" / name / f"ensemble_member_{number}", model)
    found = find_ensembles(tmp_path)
    assert list(found) == ["gnn_gin", "lgb_time", "xgb"]
    assert found["xgb"].directory == tmp_path / "nb_models" / "xgb_v1.0"
    names = [folder.name for folder in found["xgb"].members]
    assert names == [f"ensemble_member_{number}" for number in range(3)]
    assert len(found["xgb"].files) == 9
    assert [found[model].predicts_runtime for model in found] == [False, True, False]
    assert find_ensembles(tmp_path / "nb_models" / "xgb_v1.0").keys() == {"xgb"}


def test_an_ensemble_of_one(tmp_path: Path) -> None:
    only = member(tmp_path / "xgb")
    for folder in (tmp_path, only):
        ensemble = find_ensembles(folder)["xgb"]
        assert (ensemble.directory, ensemble.members) == (only, (only,))


def test_members_may_lie_deeper(tmp_path: Path) -> None:
    for number in range(3):
        member(tmp_path / "nb_models" / "xgb_v1.0" / str(number) / "seed")
    ensemble = find_ensembles(tmp_path)["xgb"]
    assert ensemble.directory == tmp_path / "nb_models" / "xgb_v1.0"
    assert len(ensemble.members) == 3


def test_none(tmp_path: Path) -> None:
    (tmp_path / CONFIGS[0]).touch()
    assert find_ensembles(tmp_path) == {}


def test_two_ensembles_of_a_kind_must_be_chosen_from(tmp_path: Path) -> None:
    for version in ("0.9", "1.0"):
        for number in range(2):
            member(tmp_path / f"xgb_v{version}" / str(number))
    with pytest.raises(BenchmarkError, match="several ensembles of the model 'xgb', in .*xgb_v0.9"):
        find_ensembles(tmp_path)
    assert len(find_ensembles(tmp_path / "xgb_v0.9")["xgb"].members) == 2


def test_kinds_may_not_be_mixed(tmp_path: Path) -> None:
    for number, model in enumerate(("xgb", "xgb", "lgb_time")):
        member(tmp_path / str(number), model)
    with pytest.raises(BenchmarkError, match="/2 lies among the members of the ensemble"):
        find_ensembles(tmp_path)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_member_without_a_configuration(tmp_path: Path, name: str) -> None:
    (member(tmp_path / "xgb" / "0") / name).unlink()
    with pytest.raises(BenchmarkError, match=f"xgb/0 lacks its {name}"):
        find_ensembles(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is damaged: it is no JSON"),
        ("[]", r"is damaged: it is \[\], not an object"),
        ("{}", "names no model"),
        ('{"model": ["xgb"]}', "names no model"),
        ("null", "is damaged: it is None, not an object"),
        ("[" * 10**5, "is damaged: it is nested too deeply"),
    ],
    ids=lambda text: text[:20],
)
def test_a_member_with_a_damaged_configuration(tmp_path: Path, content: str, said: str) -> None:
    (member(tmp_path / "xgb" / "0") / CONFIGS[0]).write_text(content)
    with pytest.raises(BenchmarkError, match=f"model_config.json {said}"):
        find_ensembles(tmp_path)
