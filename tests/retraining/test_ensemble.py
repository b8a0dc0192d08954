import dataclasses
import json

import numpy as np
import pytest

from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.retraining import train_ensemble
from ax_anasod.training import quality


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ensembles") / "ensemble"


@pytest.fixture(scope="module")
def ensemble(found, short, digits, folder):
    return train_ensemble(found, short, digits, folder, members=2)


def test_members_are_different_architectures_of_one_encoding(ensemble, found):
    first, second = (member.metrics for member in ensemble.members)
    assert first["encoding"] == second["encoding"] == found.encoding
    assert first["architectures"] != second["architectures"]
    assert first["architectures"] == found.task.cell.to_strings(found.codes)


def test_the_ensemble_says_the_mean_of_its_members(ensemble):
    mean = np.mean([member.probabilities for member in ensemble.members], axis=0)
    figures = ensemble.figures
    assert figures["ensemble"] == quality(mean, ensemble.members[0].labels)
    for name, value in figures["mean_of_members"].items():
        assert value == pytest.approx(np.mean([each[name] for each in figures["members"]]))
    # Jensen's inequality; the other figures may go either way.
    likelihood = "negative_log_likelihood"
    assert figures["ensemble"][likelihood] <= figures["mean_of_members"][likelihood]


def test_its_files(ensemble, folder):
    assert json.loads((folder / "ensemble.json").read_text()) == ensemble.figures
    assert (folder / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "member-1" / "model.pt").is_file()


def test_more_members_are_added(ensemble, found, short, digits, folder):
    trained = []
    larger = train_ensemble(
        found,
        short,
        digits,
        folder,
        members=3,
        after_epoch=lambda member, epoch: trained.append((member, epoch.epoch)),
    )
    assert trained == [(2, 1), (2, 2)]
    assert larger.figures["members"][:2] == ensemble.figures["members"]


def test_one_network_is_no_ensemble(found, short, digits, tmp_path):
    with pytest.raises(OptionError):
        train_ensemble(found, short, digits, tmp_path, members=1)
    assert not list(tmp_path.iterdir())


def test_more_members_than_cells_are_refused_before_one_is_trained(
    promising, short, digits, tmp_path
):
    with pytest.raises(RunError):
        train_ensemble(promising, short, digits, tmp_path, members=4)
    assert not list(tmp_path.iterdir())


def test_the_members_are_the_best_cells_of_a_differentiable_search(
    promising, short, digits, tmp_path
):
    quick = dataclasses.replace(short, training=short.training.with_options(epochs=1))
    result = train_ensemble(promising, quick, digits, tmp_path / "two", members=2)
    assert [member.metrics["architectures"] for member in result.members] == [
        [text] for text in promising.found.architectures[:2]
    ]
    assert (result.figures["method"], result.figures["layers"]) == ("anasod-dnas", "repeated")


def test_the_folder_of_a_search_is_no_place_for_an_ensemble(promising, short, digits, one_shot):
    before = sorted(one_shot.iterdir())
    with pytest.raises(RunError):
        train_ensemble(promising, short, digits, one_shot, members=2)
    assert sorted(one_shot.iterdir()) == before
