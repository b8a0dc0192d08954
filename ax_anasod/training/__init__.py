"""Training networks on images or sequences of tokens: data, the loop, checkpoints.

The names are loaded on first use: the command line reads the settings of a training
(:mod:`ax_anasod.training.training_config`, :mod:`ax_anasod.training.hardware`) without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.training.calibration import Reliability as Reliability
    from ax_anasod.training.calibration import ensemble_probabilities as ensemble_probabilities
    from ax_anasod.training.calibration import quality as quality
    from ax_anasod.training.calibration import reliability as reliability
    from ax_anasod.training.checkpoint import read_state as read_state
    from ax_anasod.training.checkpoint import write_state as write_state
    from ax_anasod.training.data import load_data as load_data
    from ax_anasod.training.decoder_file import TrainedDecoder as TrainedDecoder
    from ax_anasod.training.epoch import Epoch as Epoch
    from ax_anasod.training.exported import Classifier as Classifier
    from ax_anasod.training.exported import Exported as Exported
    from ax_anasod.training.hardware import Hardware as Hardware
    from ax_anasod.training.images import ImageData as ImageData
    from ax_anasod.training.images import Images as Images
    from ax_anasod.training.latency import Latency as Latency
    from ax_anasod.training.latency import LatencyConfig as LatencyConfig
    from ax_anasod.training.latency import measure_latency as measure_latency
    from ax_anasod.training.model_file import TrainedModel as TrainedModel
    from ax_anasod.training.model_file import load_model as load_model
    from ax_anasod.training.model_file import save_model as save_model
    from ax_anasod.training.predict import loss_and_error as loss_and_error
    from ax_anasod.training.predict import predict_logits as predict_logits
    from ax_anasod.training.sequence_data import SequenceData as SequenceData
    from ax_anasod.training.sequence_data import Sequences as Sequences
    from ax_anasod.training.supervision import TrainingData as TrainingData
    from ax_anasod.training.task import Layers as Layers
    from ax_anasod.training.task import TrainingTask as TrainingTask
    from ax_anasod.training.training import Training as Training
    from ax_anasod.training.training_config import PROTOCOLS as PROTOCOLS
    from ax_anasod.training.training_config import DataConfig as DataConfig
    from ax_anasod.training.training_config import SequenceConfig as SequenceConfig
    from ax_anasod.training.training_config import TrainingConfig as TrainingConfig
    from ax_anasod.training.training_config import protocol as protocol
    from ax_anasod.training.training_config import sequence_protocol as sequence_protocol
    from ax_anasod.training.trial import TrialState as TrialState
    from ax_anasod.training.trial import TrialTraining as TrialTraining
    from ax_anasod.training.trial import train_trial as train_trial

_MODULES: Final = {
    "Classifier": "exported",
    "DataConfig": "training_config",
    "Epoch": "epoch",
    "Exported": "exported",
    "Hardware": "hardware",
    "ImageData": "images",
    "Images": "images",
    "Latency": "latency",
    "LatencyConfig": "latency",
    "Layers": "task",
    "PROTOCOLS": "training_config",
    "Reliability": "calibration",
    "SequenceConfig": "training_config",
    "SequenceData": "sequence_data",
    "Sequences": "sequence_data",
    "TrainedDecoder": "decoder_file",
    "TrainedModel": "model_file",
    "Training": "training",
    "TrainingConfig": "training_config",
    "TrainingData": "supervision",
    "TrainingTask": "task",
    "TrialState": "trial",
    "TrialTraining": "trial",
    "ensemble_probabilities": "calibration",
    "load_data": "data",
    "load_model": "model_file",
    "loss_and_error": "predict",
    "measure_latency": "latency",
    "predict_logits": "predict",
    "protocol": "training_config",
    "quality": "calibration",
    "read_state": "checkpoint",
    "reliability": "calibration",
    "save_model": "model_file",
    "sequence_protocol": "training_config",
    "train_trial": "trial",
    "write_state": "checkpoint",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
