import dataclasses
import shutil

import numpy as np
import pytest

from ax_anasod.cells import NASNetCell
from ax_anasod.dnas import OneShotResult
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.retraining import BestCells, BestTrial, read_search
from ax_anasod.runs import RunFolder, plan_run
from tests.retraining.conftest import CELL, PROMISING


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
    found = BestTrial.in_run(str(write_run(tmp_path / "run", repeated, [10.0])))
    assert found.draw(6).shape == found.draw(6, member=1).shape == (1, 5)
    assert np.array_equal(found.draw(6), found.codes)


@pytest.mark.parametrize("errors", [[], [None]])
def test_a_run_without_result_is_refused(task, write_run, tmp_path, errors):
    folder = write_run(tmp_path / "run", task, errors)
    with pytest.raises(RunError, match="has no trial with a result yet"):
        BestTrial.in_run(folder)


def test_a_run_that_trained_nothing_is_refused(tmp_path, toy_benchmark: TableBenchmark):
    config = plan_run(toy_benchmark, "anasod-random", trials=1)
    with RunFolder.create(tmp_path / "looked-up", config):
        pass
    with pytest.raises(RunError, match="looked values up in 'toy'.*run of ax-anasod train"):
        BestTrial.in_run(tmp_path / "looked-up")


def test_a_folder_without_run_is_refused(tmp_path):
    with pytest.raises(RunError):
        BestTrial.in_run(tmp_path)


def test_cells_are_taken_in_the_order_of_promise_each_once(promising, task):
    assert (promising.task, promising.seed) == (task, 3)
    drawn = [promising.draw(6, member) for member in range(3)]
    assert [codes.tolist() for codes in drawn] == [[row] for row in PROMISING[[0, 1, 3]].tolist()]
    with pytest.raises(RunError, match=r"3 different cells, not 4 \(ask for fewer members, or .*"):
        promising.draw(6, 3)


def test_layers_are_sampled_from_p(promising):
    sampled = dataclasses.replace(promising, layers="sampled")
    codes = sampled.draw(200)
    assert codes.shape == (200, 5)
    shares = CELL.encode(codes).sum(axis=0) / (4 * 200)
    # 800 blocks: five standard deviations of a share of a quarter are 0.08.
    assert shares == pytest.approx([0.25, 0.75, 0.0], abs=0.08)
    # The second node reads any two of three states, which nobody has learned.
    assert np.bincount(codes[:, 4]).tolist() == pytest.approx([67, 67, 67], abs=34)
    assert not np.array_equal(sampled.draw(3, 1), sampled.draw(3))
    assert np.array_equal(sampled.draw(3, 1), sampled.draw(3, 1))


def test_members_of_a_differentiable_search_say_where_they_come_from(promising):
    p = {"skip_connect": 0.25, "sep_conv_3x3": 0.75, "max_pool_3x3": 0.0}
    one = promising.describe(promising.draw(3, 1), 1)
    assert one == {
        "method": "anasod-dnas",
        "layers": "repeated",
        "ranked_by": "supernet",
        "p": p,
        "member": 1,
        "seed": promising.seed_of(1),
        "architectures": CELL.to_strings(PROMISING[[1]]),
        "encoding": {"skip_connect": 1, "sep_conv_3x3": 2, "max_pool_3x3": 1},
    }
    sampled = dataclasses.replace(promising, layers="sampled")
    described = sampled.describe(sampled.draw(3), 0)
    assert (described["p"], len(described["architectures"])) == (p, 3)
    assert "encoding" not in described
    assert described["seed"] != one["seed"]


def test_either_search_is_read_by_what_its_folder_holds(run, one_shot):
    assert isinstance(read_search(run), BestTrial)
    assert read_search(str(one_shot)).layers == "repeated"
    assert read_search(one_shot, "sampled").layers == "sampled"
    with pytest.raises(UnknownNameError):
        read_search(one_shot, "sampeld")
    with pytest.raises(OptionError, match="'sampled' cannot be chosen: .*run of ax-anasod train"):
        read_search(run, "sampled")


def test_a_differentiable_search_on_its_way_is_refused(one_shot, tmp_path):
    folder = shutil.copytree(one_shot, tmp_path / "stopped")
    (folder / "found.json").unlink()
    with pytest.raises(RunError):
        read_search(folder)


def test_cells_of_another_search_are_refused(one_shot, tmp_path):
    folder = shutil.copytree(one_shot, tmp_path / "mixed")
    other = NASNetCell(CELL.operations, num_nodes=3, name="larger")
    texts = tuple(other.to_strings(other.sample(4, np.random.default_rng(0))))
    found = OneShotResult.read(folder)
    dataclasses.replace(found, cell=other, architectures=texts).write(folder / "found.json")
    with pytest.raises(RunError, match="are cells 'larger', but the search was for 'nasnet'"):
        read_search(folder)


def test_a_search_of_one_kind_is_not_read_as_the_other(run, one_shot, tmp_path):
    with pytest.raises(RunError):
        BestTrial.in_run(one_shot)
    with pytest.raises(RunError):
        BestCells.in_search(run)
    (tmp_path / "comparison.json").write_text("{}")
    with pytest.raises(RunError):
        read_search(tmp_path)
