# %% [markdown]
# # Start here
#
# About 20 minutes. Press **Play**, and watch: a network learns to tell violet circles from amber triangles. (If you see a
# picture without buttons, choose *Run*, *Run All Cells* first.)

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

# %%
playground(data="spirals", noise=0.1, hidden=(8, 8))

# %% [markdown]
# ## What you see
#
# **The map in the middle.** The network looks at the two coordinates of a point and answers with the probability of each
# class. The color of the map is its answer for every place; where it fades to white, the network is not sure. Rest the
# pointer on the map to read the probability.
#
# **The drawing on the left** is the network. It is made of layers of **units**. A unit adds its inputs, each times a
# **weight**, adds a number of its own, the **bias**, and bends the sum by a fixed curve. Each small picture shows what one
# unit answers over the whole plane: yellow is high, dark blue is low. Each line is a weight: thick is large, dashed is
# negative. In the first layer there are only straight edges; the next layer puts them together to curves. Click a unit to see
# it large, in the place of the map, and click it again to go back.
#
# **The curve on the right** is the **loss**: how wrong the probabilities are. Low is good. A **step** of training
# moves all weights and biases a little, so that the loss gets lower. How far they move is the **learning rate**. Solid blue is
# the **training set**, the points that the network learns from. Dashed orange is the **dev set**: points that it never learns
# from. They tell how good it is on new points. The **accuracy**, the share of points that it gets right, stands in the
# heading.
#
# ## The surprise
#
# 1. Let it play to about step 2,000. Nearly all points of the dev set are right.
# 2. While it trains, move **Learning rate** to the right, to about 0.3. (Or type over the number.) The loss jumps up, and
#    the map falls to pieces: each step is now far too long.
# 3. Move the learning rate back to 0.01. One would think that all is well again. But the network does not come back: the long
#    steps have thrown the weights so far away that it is still lost a thousand steps later.
# 4. Press **Pause**. Drag *Go back to step* to a place before the jump, and press **Rewind**. The network is as it was at
#    that step, and the learning rate, too. Press Play: this is what would have happened without your change. The old
#    run stays in grey, with the letter A at its end. A black mark below the curves tells where something was changed.
#
# Here the same experiment is done by a program:

# %%
session = Session(Settings(data="spirals", noise=0.1, hidden=(8, 8)))
for rate, steps in ((0.01, 2000), (0.3, 200), (0.01, 1000)):
    session.change(learning_rate=rate)
    session.advance(steps)
    share = session.measure().dev_accuracy
    print(f"step {session.step:,}:", f"{share:.0%} of the dev set right" if share > 0.95 else "fewer right")

# %% [markdown]
# *Fewer* is below 95%. How many fewer depends on the last digits of each sum, which another processor rounds in another way.
#
# A learning rate that is too high does not only slow training down. It can destroy what was learned. Most of this course is
# about steps that are neither too short nor too long.
#
# ## Take it apart
#
# - Below each hidden layer of the drawing stand − and +. They take a unit away or add one, **in the middle of training**: all
#   other weights stay. The − and + at the top do the same for layers. How few units still follow the spiral?
# - Click a line of the drawing. The weight stands below the picture; *Set it to* gives it another value. What does one
#   weight of the first layer do to the map? Can training repair it?
# - Under *New run* is what begins a new run: the data, the hidden layers as a whole, the first weights. Under *While it trains* is
#   what takes effect at the next step. Most of these knobs have a notebook of their own.
#
# ## Predict, then look
#
# Before most labs of this course there is a question, and the lab appears when you have chosen an answer. A wrong
# answer is worth more than no answer: it shows you what you believed. Here the lab stands above, so choose first.

# %%
ask(exercises.zero_weights)

# %% [markdown]
# Now look. In the lab above open *Presets*, press *zero weights*, then Play. Every small picture stays grey, and no line gets
# a color. Pause after about 1,000 steps. Or let this cell do it: it trains two networks that
# differ in nothing but their first weights.

# %%
for initializer in ("recommended", "zeros"):
    session = Session(Settings(data="spirals", noise=0.1, hidden=(8, 8), initializer=initializer))
    session.advance(1000)
    print(f"{initializer:>12}: {session.measure().dev_accuracy:.0%} of the dev set right after 1,000 steps")

# %% [markdown]
# **Why.** The gradient of a weight (how fast the loss grows with it) is a product: what comes in through the weight, times what
# its unit matters for the loss. In the second and the last layer, what comes in is 0, because each hidden unit
# answers 0 to every point. In the first layer the coordinates come in, and they are not 0. But its units do not matter, because
# the weights on their way out are 0. So every product is 0, and no weight ever changes. Only the biases of the
# last layer move, toward the class that is more frequent in the training set: the network gives the same answer to every point.
# In the dev set this class happens to be the rarer one, so less than half of its points are right.
# Random weights break the tie. How large they should be is the subject of notebook 04b.
#
# ## Five faults in five minutes
#
# As soon as the numbers show that something is wrong, the heading of the lab says it. Open *Presets* again. Press one of
# these, then Play, and watch for some seconds. What do you see before the heading says it?
#
# 1. *underfits*: there is no hidden layer, so the border is straight. Soon the train loss no longer falls.
# 2. *overfits*: the data are few and noisy. The train loss goes on falling, but the dev loss turns and rises.
# 3. *rate too high*: the loss jumps above the one at the start.
# 4. *dead ReLUs*: small pictures turn grey. A **ReLU** is a unit that answers 0 where its sum is negative; a long step
#    can make the sum negative for every point, and a unit that answers 0 everywhere learns no more.
# 5. *zero weights*: the units are all alike, and stay so.
#
# Then press *spiral*, and bring each of them about by yourself. (For the fourth: *While it trains*, *Activation*.) Is there a
# network that shows two of them? The heading names the most urgent one only.
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
# why *Rewind* works, and why the line *State* (under *Keep and share*) is enough to show your run to somebody else: they
# paste it and press *Load*.

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
# *Show code*, under *Look and pause*, gives a program that makes the same run. *Save network* writes the weights to a file.
#
# ## How to read a lab
#
# - The **sentence below the picture** says in words what it shows, with the measured numbers.
# - **Blue, solid** is the training set, **orange, dashed** the dev set, **black, dotted** the test set. Classes differ
#   by color and by shape. In the other labs, **grey** is the state before your last change.
# - A slider follows the mouse and the arrow keys. The number beside it can be typed over, unless the slider has only a
#   few stops, such as *off*, 0.001, 0.003. Tab goes to the next control,
#   Space presses a button, Alt and the down arrow open a menu.
# - What you would like to take hold of in a picture, you can: try to drag points and lines.
# - *Reset* goes back to the start; in the playground, to the first weights, with the settings of now. In other labs,
#   *New seed* asks: was it luck?
#
# And in the playground:
#
# - Whenever a run gives way to another one, it stays in grey; the last three do. A table below the controls names what
#   differs, and how long a step took. Below it you can give a run a name, or forget it. *Fork* keeps the run and goes on;
#   *Forget grey*, under *Keep and share*, removes the grey runs.
# - *Inputs*, under *New run*, gives the network more than the two coordinates: their squares, product and sines. They are
#   functions of the place in the map, whatever the table has. *Share of the test set*, there too, sets points aside that
#   neither train nor choose: its curve is black and dotted.
# - *Edit points*, under *Points by hand*: a click on the map adds a point to the training set, a drag moves it, *Delete*
#   removes it. The run goes on.
# - Drag *Go back to step*, or rest the pointer on the curve, to read the values of an earlier step.
# - *Steps a second*, under *Look and pause*, slows the run down, so that you can watch each step.
# - *Panel on the right*, under *Look and pause*, shows the accuracy instead of the loss; or, for each layer, how large weights,
#   gradients and steps are (root mean square); or how the weights are distributed; or which classes are taken for each other.
# - The data *digits* are images of 8 x 8 pixels. The map is flat, so only two numbers of each image are used: the two
#   directions in which the images differ most (principal components). Much is lost; notebook 09 uses all pixels.
# - *Own table* reads a CSV file of yours: numbers, and a column with the class. It says what it understood, and you can change
#   that. The numbers are normalized.
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
# | 1.18 Hyperparameter search | [07a Where to look](07a_hyperparameter_search.ipynb), [07b A search for real](07b_real_search.ipynb) |
# | 1.19 Batch normalization | [08 Batch normalization](08_batch_normalization.ipynb) |
# | 1.20 Softmax | [09 Softmax](09_softmax.ipynb) |
# | all of them, under a budget | [10 Capstone](10_capstone.ipynb) |
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
