"""Readable NumPy implementations behind the course *Improving Deep Neural Networks*.

Topics are file names, layers are folders: the numbers of a topic are in `dlhelpers/<topic>.py`,
its pictures in `dlhelpers/plots/<topic>.py`, its labs in `dlhelpers/labs/<topic>/` and the
checks of its exercises in `dlhelpers/exercises/<topic>.py`.  This module imports nothing, so that
`import dlhelpers` costs nothing; import the topic that you need.
"""

__version__ = "0.1.0"
