import dataclasses

import numpy as np
import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.retraining import Found
from ax_anasod.runs import RunFolder, plan_run


def test_it_is_the_earliest_of_the_best_trials(found, task, run):
    assert (found.run, found.trial, found.valid_error, found.seed) == (run, 1, 20.0, 3)
    assert found.encoding == {"skip_connect": 1, "sep_conv_3x3": 2, "max_pool_3x3": 1}
    assert found.task == task
    assert np.array_equal(found.codes, task.draw(found.counts, np.random.default_rng(1)))


def test_the_first_member_is_the_network_of_the_trial(found):
    assert np.array_equal(found.draw(3), found.codes)


def test_other_members_have_the_same_encoding(found):
    drawn = [found.draw(3, member) for member in range(4)]
    for codes in drawn:
        assert np.array_equal(found.task.cell.encode(codes), np.tile(found.counts, (3, 1)))
    assert len({codes.tobytes() for codes in drawn}) == 4
    assert np.array_equal(found.draw(3, 2), drawn[2])


def test_a_network_of_other_depth_is_drawn_anew(found):
    codes = found.draw(6)
    assert codes.shape == (6, 5)
    assert np.array_equal(found.task.cell.encode(codes), np.tile(found.counts, (6, 1)))


def test_a_repeated_architecture_stays_one(task, write_run, tmp_path):
    repeated = dataclasses.replace(task, layers="repeated")
    found = Found.in_run(str(write_run(tmp_path / "run", repeated, [10.0])))
    assert found.draw(6).shape == found.draw(6, member=1).shape == (1, 5)
    assert np.array_equal(found.draw(6), found.codes)


@pytest.mark.parametrize("errors", [[], [None]])
def test_a_run_without_result_is_refused(task, write_run, tmp_path, errors):
    folder = write_run(tmp_path / "run", task, errors)
    with pytest.raises(RunError, match="has no trial with a result yet"):
        Found.in_run(folder)


def test_a_run_that_trained_nothing_is_refused(tmp_path, toy_benchmark: TableBenchmark):
    config = plan_run(toy_benchmark, "anasod-random", trials=1)
    with RunFolder.create(tmp_path / "looked-up", config):
        pass
    with pytest.raises(RunError, match="looked values up in 'toy'.*run of ax-anasod train"):
        Found.in_run(tmp_path / "looked-up")


def test_a_folder_without_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        Found.in_run(tmp_path)
