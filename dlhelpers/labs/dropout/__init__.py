"""The labs on dropout (notebook 03)."""

from dlhelpers.labs.dropout.inverted import inverted_lab
from dlhelpers.labs.dropout.keep_prob import keep_prob_lab
from dlhelpers.labs.dropout.noisy_cost import noisy_cost_lab
from dlhelpers.labs.dropout.rules import mask_rules_lab
from dlhelpers.labs.dropout.stopped import stopped_lab
from dlhelpers.labs.dropout.subnetworks import subnetworks_lab

__all__ = [
    "inverted_lab",
    "keep_prob_lab",
    "mask_rules_lab",
    "noisy_cost_lab",
    "stopped_lab",
    "subnetworks_lab",
]
