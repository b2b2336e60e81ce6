"""What the labs of this topic share."""

RESTORED = "#7b3294"
"""Purple: what early stopping gives back."""
