"""The exercises and prediction questions of notebook 02b."""

import numpy as np

from dlhelpers.early_stopping import early_stop
from dlhelpers.exercises.checking import Exercise, Mistake, Question
from dlhelpers.typing import FloatArray, IntArray

# Where to stop, what to restore ---------------------------------------------------------------------

Pair = tuple[int, int]


def _stop(train_losses: FloatArray, dev_losses: FloatArray, patience: int) -> Pair:
    return tuple(early_stop(dev_losses, patience))  # type: ignore[return-value]


def _replay(losses: FloatArray, patience: int, ties: bool = False, late: int = 0) -> Pair:
    """Return best and stopped; with `ties` an equal loss counts as better, `late` adds to the patience."""
    best = 0
    for i, loss in enumerate(losses):
        if loss < losses[best] or (ties and loss == losses[best]):
            best = i
        if i - best >= patience + late:
            return best, i
    return best, len(losses) - 1


def _counts_the_first(losses: FloatArray, patience: int) -> Pair:
    best, waited = 0, 0
    for i, loss in enumerate(losses):
        best, waited = (i, 0) if loss < losses[best] else (best, waited + 1)
        if waited >= patience:
            return best, i
    return best, len(losses) - 1


def _never_at_the_end(losses: FloatArray, patience: int) -> Pair:
    best, stopped = _replay(losses, patience)
    return best, stopped if stopped - best >= patience else len(losses)


def _rises_in_a_row(dev_losses: FloatArray, patience: int) -> Pair:
    rises = 0
    for i in range(1, len(dev_losses)):
        rises = rises + 1 if dev_losses[i] > dev_losses[i - 1] else 0
        if rises >= patience:
            return int(np.argmin(dev_losses[: i + 1])), i
    return int(np.argmin(dev_losses)), len(dev_losses) - 1


stop_and_restore = Exercise(
    name="stop_and_restore",
    statement="""Return two epochs: the one whose weights are restored, and the one at which training
        stops. Entry i of train_losses and dev_losses was measured at epoch i; training stops when the dev
        loss has had no new lowest value for `patience` epochs, or at the last epoch. Of equal losses the
        first one counts.""",
    reference=_stop,
    cases=[
        {
            "train_losses": np.array([9.0, 7.0, 6.0, 5.0, 4.0, 3.0]),
            "dev_losses": np.array([8.0, 5.0, 6.0, 5.5, 7.0, 2.0]),
            "patience": 2,
        },
        {
            "train_losses": np.array([9.0, 5.0, 6.0, 4.0, 4.5, 3.0, 2.0, 1.0]),
            "dev_losses": np.array([6.0, 4.0, 4.0, 5.0, 4.5, 4.8, 4.2, 3.0]),
            "patience": 4,
        },
        {
            "train_losses": np.array([3.0, 2.5, 2.0, 1.5]),
            "dev_losses": np.array([3.0, 2.0, 2.5, 1.0]),
            "patience": 3,
        },
        {
            "train_losses": np.array([5.0, 4.0, 7.0, 1.0, 1.0]),
            "dev_losses": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
            "patience": 1,
        },
    ],
    mistakes=[
        Mistake(
            lambda train, dev, patience: (_stop(train, dev, patience)[1],) * 2,
            "you keep the weights of the epoch at which training stops. For `patience` epochs they "
            "have been getting worse, or not better; which epoch had the lowest dev loss?",
        ),
        Mistake(
            lambda train, dev, patience: (int(np.argmin(dev)), _stop(train, dev, patience)[1]),
            "your best epoch is the lowest of the whole curve. When training has stopped, the later "
            "epochs do not exist: look only at those up to the stop.",
        ),
        Mistake(
            lambda train, dev, patience: (int(np.argmin(dev)), int(np.argmin(dev)) + patience),
            "you took the lowest loss of the whole curve and added the patience. Training may stop before it "
            "gets there: go through the epochs one after the other, as training does.",
        ),
        Mistake(
            lambda train, dev, patience: (int(np.argmin(dev)), len(dev) - 1),
            "you looked at the whole curve, so nothing was stopped early. Go through the epochs one "
            "after the other, as training does.",
        ),
        Mistake(
            lambda train, dev, patience: _replay(train, patience),
            "you watch the train loss. It goes on falling while the network learns its examples by "
            "heart; which loss tells about new ones?",
        ),
        Mistake(
            lambda train, dev, patience: _replay(dev, patience, late=1),
            "you stop one epoch too late. With a patience of 1, one epoch without a new lowest value "
            "is enough.",
        ),
        Mistake(
            lambda train, dev, patience: _replay(dev, patience, late=-1),
            "you stop one epoch too early: the best epoch itself does not count as one without a "
            "better value.",
        ),
        Mistake(
            lambda train, dev, patience: _rises_in_a_row(dev, patience),
            "you count rises from one epoch to the next, so a small step down sets the count back. "
            "Compare with the lowest value so far, not with the epoch before.",
        ),
        Mistake(
            lambda train, dev, patience: _counts_the_first(dev, patience),
            "in your function the first epoch counts as one without a better value. It is the best one so "
            "far: begin to count after it.",
        ),
        Mistake(
            lambda train, dev, patience: _never_at_the_end(dev, patience),
            "epochs are counted from 0, so the last one is len(dev_losses) - 1.",
        ),
        Mistake(
            lambda train, dev, patience: (_replay(dev, patience)[0], _replay(dev, patience)[0] + patience),
            "you stop `patience` epochs after the best one, even where there are no more epochs. Then "
            "training stops at the last one.",
        ),
        Mistake(
            lambda train, dev, patience: _replay(dev, 1),
            "you stop at the first epoch that is not better. That ignores the patience: a noisy curve "
            "has many such epochs.",
        ),
        Mistake(
            lambda train, dev, patience: _replay(dev, patience, ties=True),
            "an equal loss counts as a new lowest value in your function. Of equal ones the first "
            "counts: use <, not <=.",
        ),
        Mistake(
            lambda train, dev, patience: _stop(train, dev, patience)[::-1],
            "the two are in the wrong order: the epoch to restore comes first.",
        ),
    ],
    hint="""Keep the index of the best epoch so far, best = 0 at first. Go through the epochs i: is the
        dev loss lower than dev_losses[best]? Then i is the new best. Has it been too long, i - best >=
        patience? Then return both.""",
    solution="""
        def stop_and_restore(train_losses, dev_losses, patience):
            best = 0
            for i in range(len(dev_losses)):
                if dev_losses[i] < dev_losses[best]:
                    best = i
                if i - best >= patience:
                    return best, i
            return best, len(dev_losses) - 1
    """,
    why="""The dev loss decides, and only up to the epoch that training has reached. What is kept is the
        best epoch, not the last one: the weights of the last `patience` epochs are thrown away.""",
)

# Copies with the same label -------------------------------------------------------------------------

Labeled = tuple[FloatArray, IntArray]


def _moved(images: FloatArray, pixels: int) -> FloatArray:
    """Return the images moved to the right; what comes in is 0."""
    copies = np.zeros_like(images)
    copies[:, :, pixels:] = images[:, :, : images.shape[2] - pixels]
    return copies


def _moved_down(images: FloatArray, pixels: int) -> FloatArray:
    return np.asarray(_moved(images.swapaxes(1, 2), pixels).swapaxes(1, 2))


def _moved_left(images: FloatArray, pixels: int) -> FloatArray:
    return np.asarray(_moved(images[:, :, ::-1], pixels)[:, :, ::-1])


def _both(images: FloatArray, copies: FloatArray, labels: IntArray) -> Labeled:
    return np.concatenate([images, copies]), np.concatenate([labels, labels])


def _with_copies(images: FloatArray, labels: IntArray, pixels: int) -> Labeled:
    return _both(images, _moved(images, pixels), labels)


def _minus_zero(images: FloatArray, labels: IntArray, pixels: int) -> Labeled:
    copies = np.zeros_like(images)
    copies[:, :, pixels:] = images[:, :, :-pixels]
    return _both(images, copies, labels)


def _edge(images: FloatArray, pixels: int) -> FloatArray:
    copies = _moved(images, pixels)
    copies[:, :, :pixels] = images[:, :, :1]
    return copies


_IMAGES = np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [0.0, 1.0, 5.0]]])

with_copies = Exercise(
    name="with_copies",
    statement="""Return images and labels of a set that is twice as large: the originals, in their order,
        then a copy of each, in the same order, moved to the right by so many pixels. What comes in from
        the left is 0. `images` is (m, height, width), `labels` is (m,).""",
    reference=_with_copies,
    cases=[
        {"images": _IMAGES, "labels": np.array([6, 9]), "pixels": 1},
        {"images": _IMAGES[:, ::-1], "labels": np.array([3, 4]), "pixels": 2},
        {"images": _IMAGES, "labels": np.array([1, 0]), "pixels": 0},
    ],
    mistakes=[
        Mistake(
            lambda images, labels, pixels: _both(images, np.roll(images, pixels, axis=2), labels),
            "np.roll brings in on the left what leaves on the right. On paper that does not happen: "
            "what comes in is background, 0.",
        ),
        Mistake(
            lambda images, labels, pixels: (_with_copies(images, labels, pixels)[0], np.repeat(labels, 2)),
            "np.repeat puts equal labels side by side: 6, 6, 9, 9. The images stand in another order, "
            "first all originals, then all copies. So images get wrong labels, and nothing raises an "
            "error.",
        ),
        Mistake(
            lambda images, labels, pixels: (_with_copies(images, labels, pixels)[0], labels),
            "the copies have no labels. A copy keeps the label of its original.",
        ),
        Mistake(
            lambda images, labels, pixels: (_moved(images, pixels), labels),
            "you replaced the originals. The copies are added to them.",
        ),
        Mistake(
            lambda images, labels, pixels: _both(_moved(images, pixels), images, labels),
            "the copies stand first. The originals come first, then the copies.",
        ),
        Mistake(
            lambda images, labels, pixels: _both(images, np.roll(images, pixels), labels),
            "np.roll without an axis runs on from row to row and from image to image. And what comes in is "
            "background, 0.",
        ),
        Mistake(
            lambda images, labels, pixels: _both(images, _moved_left(images, pixels), labels),
            "the copies are moved to the left.",
        ),
        Mistake(
            lambda images, labels, pixels: _both(images, _moved_down(images, pixels), labels),
            "the copies are moved down. Axis 1 counts the rows, axis 2 the columns.",
        ),
        Mistake(
            _minus_zero,
            "for 0 pixels, images[:, :, :-0] is empty. Write where the slice ends, for instance width "
            "- pixels.",
        ),
        Mistake(
            lambda images, labels, pixels: _both(images, _edge(images, pixels), labels),
            "the first column is drawn out. What comes in is background, 0.",
        ),
    ],
    hint="""Begin with empty paper, copies = np.zeros_like(images). Which columns of copies get which
        columns of images? Then np.concatenate the images, and the labels in the same order.""",
    solution="""
        def with_copies(images, labels, pixels):
            copies = np.zeros_like(images)
            copies[:, :, pixels:] = images[:, :, : images.shape[2] - pixels]
            return np.concatenate([images, copies]), np.concatenate([labels, labels])
    """,
    why="""Images and labels stand in the same order, so each copy has the label of its original. A label
        in the wrong place raises no error; it only makes the network worse.""",
)

# Predictions ----------------------------------------------------------------------------------------

more_patience = Question(
    text="""The same run, replayed with a patience of 5 epochs and with one of 30. What does the larger
        patience change in the network that you get?""",
    options=(
        "Nothing: it stops later, but restores the same epoch.",
        "Its dev loss is the same or lower.",
        "Its dev loss is higher: it was trained longer, so it overfits more.",
        "It is the network of 30 epochs after the best one.",
    ),
    answer="b",
    feedback=(
        """That holds once the patience has carried the run past all the bumps. A short patience may end
        the run at a bump, before the dev loss has fallen to its lowest value. In the lab, look at the
        star for 5 and for 30.""",
        """More epochs are seen, and the best of them is kept: the lowest of more values is the same or
        lower. The price is time, and one danger: the dev set chooses among more networks, see 1.1. In the
        lab, the star moves from epoch 4 to epoch 62.""",
        """What is trained after the best epoch is thrown away: the best weights are restored. In the lab,
        look at the map on the right, not at the one of your epoch.""",
        """The run stops there, but it gives back the weights of the best epoch. Those who forget to
        restore get what you describe. In the lab, compare star and cross.""",
    ),
)

steps_and_lambda = Question(
    text="""A linear model with squared error. You stop gradient descent after t steps, starting from zero
        weights. Ridge regression with some λ gives nearly the same function. You stop after 10 t steps
        instead. Which λ comes nearest now?""",
    options=(
        "The same: λ has nothing to do with the number of steps.",
        "About ten times as large: more steps, more regularization.",
        "About a tenth.",
        "None: what is stopped early has not converged, so nothing can be said about it.",
    ),
    answer="c",
    feedback=(
        """After more steps the weights are larger, and a smaller λ allows larger weights. In the lab, move t
        while λ stays at 1 times m/(αt): both points move along their paths together.""",
        """It is the other way round: fewer steps leave the weights smaller, as a large λ does. In the lab,
        look at the norms of both points when t grows.""",
        """λ goes like 1/(αt), to within a factor of about 2: after long training hardly any shrinkage is
        left. In the lab, the caption says which multiple of m/(αt) comes nearest.""",
        """For this model every step is known exactly: in each direction, a share of 1 - (1 - αs)^t of the
        solution has been reached. In the lab, the dots that are measured lie on that curve.""",
    ),
)

half_a_turn = Question(
    text="""50 images of digits. In each step every image of the mini-batch is turned by a new random
        angle of up to 180°, to each side. How does this network do on upright digits, compared with one
        that is trained without?""",
    options=(
        "Worse.",
        "Better: it has seen thousands of different images instead of 50.",
        "Equally well: turned digits keep their labels.",
        "Better on all digits but 6 and 9.",
    ),
    answer="a",
    feedback=(
        """Much worse: little more than half of the digits are right. A 6 that is turned by 180° is a 9 with
        the label 6, and the network must learn each digit at every angle, although it will only meet upright
        ones. In the lab, press "a 6 or a 9?".""",
        """More images help if they look like those to come. Most of these never occur in use, and some
        have wrong labels. In the lab, the curve rises by a few points up to about 15°, then it falls.""",
        """By your order, not by their looks: half a turn makes a 9 from a 6. In the lab, the purple curve
        shows how many 6s and 9s are taken for each other.""",
        """6 and 9 are a fifth of the digits; the accuracy falls by far more than that. In the lab, look
        at the copies of the 4 and the 5, and at the curve at 60°, where no 6 has become a 9 yet.""",
    ),
)

cheapest_knob = Question(
    text="""A network has learned 40 points by heart: the train loss is almost 0, and the gap to the dev
        loss is large. Which knob closes the gap without any price in the train loss?""",
    options=(
        "Early stopping: it only cuts off what would be learned by heart.",
        "λ: it is made for the gap, and training still runs to its end.",
        "More examples: they leave the network as it is.",
        "None of these three.",
    ),
    answer="d",
    feedback=(
        """It stops the fit of the training set, so the train loss is higher by construction. In the lab,
        follow the purple path from the left end: it goes down and to the right.""",
        """Training runs to its end, but its goal is now J + R, and the minimum of that has a higher J. In
        the lab, the pink path goes to the right, too.""",
        """400 points are harder to learn by heart than 40. In the lab, the green path goes to the right
        as well.""",
        """All three raise the train loss; what differs is how much gap they close for it, and what is
        left to turn afterwards. In the lab, compare how far down each path comes.""",
    ),
)

moved_digits = Question(
    text="""50 images of digits to learn from. The digits in use are moved by up to one pixel, in an image of
        8 by 8. A network that has learned the 50 as they are is right on about half of those in use. Now
        each image is moved at random by up to 1.25 pixels in every step of training. How many are right?""",
    options=(
        "About as many: no new digit has been written.",
        "At least 15 of 100 more.",
        "Fewer: the network has only 50 images, and now they are blurred, too.",
        "Nearly all: it has seen thousands of images.",
    ),
    answer="b",
    feedback=(
        """No new digit, but new places. What does a network of pixels know about a place where it has never
        seen ink? In the lab, press *moved*.""",
        """The copies are just like the digits in use, and all of them keep their label.""",
        """Look at the copies on the left of the lab, at the strength of *moved*. Can you read them?""",
        """They are copies of 50. What do they say about handwriting that none of these 50 shows? In the lab,
        read the curve at *moved*.""",
    ),
)

which_remedy = Question(
    text="""You have 400 labeled photos of leaves, of 12 kinds, from one garden. A network reaches 0% error on
        the training set and 20% on the dev set, the lowest value at epoch 30 of 100. Users will hold the
        camera at any angle and in any light. What do you do first?""",
    options=(
        "Stop at epoch 30, and ship it.",
        "Turn the training photos by any angle, change their light at random, and stop on the dev set.",
        "Turn the photos in the dev set, too, each time it is measured.",
        "A penalty with 20 values of λ: it leaves the fit to the number of steps.",
    ),
    answer="b",
    feedback=(
        """Stopping is right in any case, and it is done already: 20% is its result. What do these users do
        that the photos do not show?""",
        """Both changes occur in use, and the label stays true at every angle. Stopping in time costs nothing
        beside it.""",
        """Then no two measures are of the same images, and the lowest one is chosen by luck. What is the dev
        set there for?""",
        """Twenty runs, and none of them sees a turned leaf. What do you know about the use that the data do
        not say?""",
    ),
)
"""The decision at the end of the notebook."""
