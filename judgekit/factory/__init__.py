"""Builds graders from names, files and settings: the one place that knows every kind."""

from judgekit.factory.cards import load_judge, recipe_of, settings_of, with_card
from judgekit.factory.models import Asked, client_of, destination, direct, grader_of, has_key, judge
from judgekit.factory.named import named_destinations, named_judge, named_models

__all__ = [
    "Asked",
    "client_of",
    "destination",
    "direct",
    "grader_of",
    "has_key",
    "judge",
    "load_judge",
    "named_destinations",
    "named_judge",
    "named_models",
    "recipe_of",
    "settings_of",
    "with_card",
]
