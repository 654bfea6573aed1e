"""Keeps a model from learning its training data by heart: dropout, weight decay where it belongs, clipped gradients."""

from nightlab.plugins.regularization.clip import clip
from nightlab.plugins.regularization.dropout import dropout
from nightlab.plugins.regularization.weight_decay import weight_decay_groups
from nightlab.sdk import Plugin

PLUGIN = Plugin("regularization", "0.1.0", (dropout, weight_decay_groups, clip))

__all__ = ["PLUGIN"]
