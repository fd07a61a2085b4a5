"""Tries models on one made-up item, and looks at what is installed."""

from judgekit.factory.doctor.environment import Environment, look_around
from judgekit.factory.doctor.trial import Trial, try_model

__all__ = ["Environment", "Trial", "look_around", "try_model"]
