"""Training networks on images: data, augmentation, the loop, checkpoints."""

from ax_anasod.training.calibration import (
    Reliability,
    ensemble_probabilities,
    quality,
    reliability,
)
from ax_anasod.training.checkpoint import read_state, write_state
from ax_anasod.training.config import PROTOCOLS, TrainingConfig, protocol
from ax_anasod.training.data import DataConfig, load_data
from ax_anasod.training.epoch import Epoch
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.images import ImageData, Images
from ax_anasod.training.model_file import TrainedModel, load_model, save_model
from ax_anasod.training.predict import loss_and_error, predict_logits
from ax_anasod.training.task import Layers, TrainingTask
from ax_anasod.training.training import Training
from ax_anasod.training.trial import TrialState, TrialTraining, train_trial

__all__ = [
    "PROTOCOLS",
    "DataConfig",
    "Epoch",
    "Hardware",
    "ImageData",
    "Images",
    "Layers",
    "Reliability",
    "TrainedModel",
    "Training",
    "TrainingConfig",
    "TrainingTask",
    "TrialState",
    "TrialTraining",
    "ensemble_probabilities",
    "load_data",
    "load_model",
    "loss_and_error",
    "predict_logits",
    "protocol",
    "quality",
    "read_state",
    "reliability",
    "save_model",
    "train_trial",
    "write_state",
]
