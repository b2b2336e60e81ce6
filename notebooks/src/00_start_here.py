# %% [markdown]
# # Start here
#
# This takes ten minutes; the first surprise comes after five. At the end you have trained a network, changed its rules
# in the middle of training, and seen why a network must not start from zeros.
#
# This course teaches how to make a deep network better, after the twenty sections of a set of lecture notes. You
# learn by moving something and seeing it change: every figure is computed at that moment, by NumPy code that you can
# read.
#
# **First, run all cells** (menu *Run*, *Run All Cells*). Then scroll back up to this place and read on.

# %%
import numpy as np

from dlhelpers.exercises import start_here as exercises
from dlhelpers.exercises.course import notebooks
from dlhelpers.labs.playground import playground
from dlhelpers.live.course import course_map
from dlhelpers.live.exercises import practice
from dlhelpers.live.questions import ask
from dlhelpers.session import Session
from dlhelpers.settings import Settings
from dlhelpers.sharing import from_text, to_text

# %% [markdown]
# ## Train your first network
#
# Below you see points of two classes, violet circles and amber triangles. A network looks at the two coordinates
# of a point and answers with the probability of each class. It is made of layers of **units**: a unit adds its inputs,
# each times a **weight**, adds a number of its own, the **bias**, and bends the sum by a fixed curve. A **step** of
# training moves all weights and biases a little, so that the answers get better. How far they move is the
# **learning rate**.
#
# The color of the map on the left is the answer for every place; where it fades to white, the network is
# not sure. In the middle, above, is the **loss**: how wrong the probabilities are; low is good. Below is the
# **accuracy**: the share of points it gets right. Solid blue is the **training set**, the points that it learns from.
# Dashed orange is the **dev set**: points that it never learns from. They tell how good it is on new points. Leave the
# panel on the right and the other knobs alone for now; each has its notebook.
#
# 1. The network has made 300 steps already. Press **Play** to go on. The map follows the arms of the spiral.
# 2. While it trains, move **Learning rate** to the right, to about 0.3. (Or type over the number.) The
#    curves begin to shake: each step is now too long, and jumps over the valley that it looks for. Move it back to
#    0.01: the curves calm down. But the network may not recover, because the long steps have thrown the weights far
#    away. Black marks below the curves tell where you changed something.
# 3. Press **Pause**. Drag *Go back to step* to a place before the first mark, and press **Rewind**. The knobs go
#    back too. Press Play, and wait until the new run is past the mark: this is what would have happened without
#    your change. The old run is grey, with the letter A at its end.

# %%
lab = playground(steps=300, data="spirals", noise=0.1, hidden=(16, 16))
lab

# %% [markdown]
# ## Predict, then look
#
# Before most labs of this course there is a question, and the lab appears when you have chosen an answer. A wrong
# answer is worth more than no answer: it shows you what you believed. Here the lab stands above, so choose first.

# %%
ask(exercises.zero_weights)

# %% [markdown]
# Now look. In the lab above press *Forget grey*, then *spiral*, then Play. Pause after about 1,000 steps. Press *zeros*,
# then Play, and wait as long. The first run stays in grey, with a letter at its end, and a table below the picture
# compares the two. Or let this cell do it: it trains two networks that differ in nothing but their first weights.

# %%
for initializer in ("recommended", "zeros"):
    session = Session(Settings(data="spirals", noise=0.1, hidden=(16, 16), initializer=initializer))
    session.advance(1000)
    print(f"{initializer:>12}: {session.measure().dev_accuracy:.0%} of the dev set after 1,000 steps")

# %% [markdown]
# **Why.** With weights of zero, each hidden unit answers 0 to every point. The gradient (the direction in which the loss
# grows) of a weight is a product, and one of its factors is such a 0. So no weight ever changes. Only the biases of the
# last layer move, toward the class that is more frequent in the training set: the network gives the same answer to
# every point. In the dev set this class happens to be the rarer one, so it gets less than half of the points right.
# Random weights break the tie. How large they should be is the subject of notebook 04b.
#
# ## Write it yourself
#
# Exercises look like this one. Replace the dots, run the cell, and read what it says: it knows some common mistakes.
# *Hint* shows a first step, *Solution* a program that is right. Here `probabilities` has a row for each example and a
# column for each class, and `labels` holds the class numbers.


# %%
practice(exercises.accuracy)


# %%
# Exercise: the share of rows whose largest probability stands at the labeled class.
def my_accuracy(probabilities, labels):
    return ...


exercises.accuracy.check(my_accuracy)

# %% [markdown]
# ## A run can be repeated exactly
#
# A training run looks like something that happens once. Here it is not: all random numbers come from **seeds**, numbers
# at which the random numbers start. So the same start and the same changes give the same run, to the last bit. That is
# why *Rewind* works, and why the line *State* below the lab is enough to show your run to somebody else: they paste it
# and press *Load*.

# %%
session = Session(Settings(data="moons"))
session.advance(200)
session.change(learning_rate=0.1, keep_prob=0.8)
session.advance(100)
line = to_text(session)
again = from_text(line)
print(line)
print("the same losses:", session.measure() == again.measure())

# %% [markdown]
# *Show code* gives a program that makes the same run. *Save network* writes the weights to a file.
#
# ## How to read a lab
#
# - The **sentence below the picture** says in words what it shows, with the measured numbers.
# - **Blue, solid** is the training set, **orange, dashed** the dev set, **black, dotted** the test set. Classes differ
#   by color and by shape. In the other labs, **grey** is the state before your last change.
# - A slider follows the mouse and the arrow keys. The number beside it can be typed over, unless the slider has only a
#   few stops, such as *off*, 0.001, 0.003. Tab goes to the next control,
#   Space presses a button, Alt and the down arrow open a menu.
# - *Reset* goes back to the start. In other labs, *New seed* asks: was it luck?
# - In the playground, the upper group of controls acts on the next step. The lower group begins a new run.
# - Whenever a run gives way to another one, it stays in grey; the last three do. The table names what differs, and how
#   long a step took. *Fork* keeps the run and goes on; *Forget grey* removes the grey runs.
# - Drag *Go back to step*: a line marks the step, and the sentence below reads its values off the curves.
# - *Panel on the right* shows, for each layer, how large weights, gradients and steps are (root mean square); or how
#   the weights are distributed; or what each hidden unit answers in the plane; or which classes are taken for each other.
# - The data *digits* are images of 8 x 8 pixels. The map is flat, so only two numbers of each image are used: the two
#   directions in which the images differ most (principal components). Much is lost; notebook 09 uses all pixels.
# - *Own data (CSV)* takes a table: numbers, and the class in the last column. Its columns are normalized.
#
# ## The map of the course
#
# What you solve and predict is remembered on this machine, and nowhere else.

# %%
course_map(notebooks())

# %% [markdown]
# The sections are those of the lecture notes, named under *Sources* below.
#
# | section | notebook |
# |---|---|
# | 1.1 Train, dev and test sets | [01 Bias and variance](01_bias_variance.ipynb) |
# | 1.2 Bias and variance | [01 Bias and variance](01_bias_variance.ipynb) |
# | 1.3 Regularization | [02a Regularization](02a_regularization.ipynb) |
# | 1.4 Dropout | [03 Dropout](03_dropout.ipynb) |
# | 1.5 Early stopping, augmentation | [02b Early stopping and augmentation](02b_early_stopping.ipynb) |
# | 1.6 Normalizing the inputs | [04a Normalized inputs](04a_normalization.ipynb) |
# | 1.7 Vanishing and exploding gradients | [04b The first weights](04b_initialization.ipynb) |
# | 1.8 Weight initialization | [04b The first weights](04b_initialization.ipynb) |
# | 1.9 Numerical gradients | [05 Gradient checking](05_gradient_checking.ipynb) |
# | 1.10 Gradient checking | [05 Gradient checking](05_gradient_checking.ipynb) |
# | 1.11 Mini-batches | [06a Mini-batches](06a_minibatches.ipynb) |
# | 1.12 Moving averages | [06a Mini-batches](06a_minibatches.ipynb) |
# | 1.13 Momentum | [06b Momentum to Adam](06b_momentum_to_adam.ipynb) |
# | 1.14 RMSprop | [06b Momentum to Adam](06b_momentum_to_adam.ipynb) |
# | 1.15 Adam | [06b Momentum to Adam](06b_momentum_to_adam.ipynb) |
# | 1.16 Learning-rate decay | [06c Decay and saddles](06c_decay_and_saddles.ipynb) |
# | 1.17 Saddle points | [06c Decay and saddles](06c_decay_and_saddles.ipynb) |
# | 1.18 Hyperparameter search | 07 Hyperparameter search (planned) |
# | 1.19 Batch normalization | [08 Batch normalization](08_batch_normalization.ipynb) |
# | 1.20 Softmax | [09 Softmax](09_softmax.ipynb) |
#
# ## When something does not show
#
# - **No sliders, only a picture.** The cell was not run in this session: choose *Run All Cells*. A viewer without a
#   kernel, such as a web page, shows the picture and its caption only.
# - **JupyterLab: "Error displaying widget".** JupyterLab and ipywidgets do not fit together. Start with `make lab`,
#   which installs versions that do, or with the pip lines of the README.
# - **VS Code.** Choose the environment `.venv` as kernel. When the editor asks about widgets, let it load them.
# - **Colab.** Install the package first, in a cell at the top: `%pip install` and the address of your copy of the
#   project. The labs work, but more slowly, because every picture travels over the network.
# - **A lab does not move any more.** Its kernel was restarted: run the cell again. Play stops by itself when the tab
#   is closed; press it again.
# - **A message with an orange bar** says what cannot be done, and what to do instead. Nothing was changed.
#
# ## Sources
#
# - The lecture notes: Amir Masoud Sefidian, *Improving Deep Neural Networks* (2022).
# - The model for the playground: Smilkov, Carter, Sculley, Viegas & Wattenberg, "Direct-manipulation visualization
#   of deep networks" (2017).
