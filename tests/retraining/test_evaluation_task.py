import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.retraining import evaluation_task


def test_the_papers_protocol_on_all_images(found):
    task = evaluation_task(found)
    assert (task.training.epochs, task.training.mix) == (600, "cutmix")
    assert (task.training.auxiliary_weight, task.training.drop_path) == (0.4, 0.2)
    assert task.data.images is None
    assert (task.data.dataset, task.cell) == ("digits", found.task.cell)
    assert task.network == found.task.network
    assert task.hardware == found.task.hardware


def test_everything_can_be_overridden(found):
    task = evaluation_task(
        found,
        "evaluation+",
        data={"images": 100, "image_size": 16},
        network={"channels": 36, "cells": 24},
        training={"epochs": 3, "mix": "mixup"},
        hardware={"device": "auto", "threads": 3},
    )
    assert (task.data.images, task.data.image_size) == (100, 16)
    assert (task.network.channels, task.network.cells) == (36, 24)
    assert (task.training.epochs, task.training.mix, task.training.auto_augment) == (
        3,
        "mixup",
        True,
    )
    assert task.hardware.device == "auto"


def test_another_data_set_does_not_lie_where_the_old_one_does(found):
    task = evaluation_task(found, data={"dataset": "signs", "path": "signs"})
    assert (task.data.dataset, task.data.path) == ("signs", "signs")
    assert evaluation_task(found, data={"dataset": "cifar10"}).data.path is None
    assert evaluation_task(found, data={"path": "moved"}).data.dataset == "digits"


def test_mistakes_are_named(found):
    with pytest.raises(UnknownNameError):
        evaluation_task(found, "evaluate")
    with pytest.raises(UnknownNameError):
        evaluation_task(found, training={"epoch": 1})
    with pytest.raises(OptionError):
        evaluation_task(found, network={"cells": 1})
    with pytest.raises(UnknownNameError):
        evaluation_task(found, data={"image": 1})
    for wrong in ({"data": {"sequences": 1}}, {"network": {"width": 8}}):
        with pytest.raises(OptionError, match="and the search was on 'digits'"):
            evaluation_task(found, **wrong)
