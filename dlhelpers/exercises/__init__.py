"""Exercises whose checks know the common mistakes, and prediction questions; one module for each topic."""
