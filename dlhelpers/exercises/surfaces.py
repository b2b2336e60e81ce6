"""The exercises and prediction questions of notebook 06c on saddles and curvature."""

import math

import numpy as np

from dlhelpers.exercises.checking import Exercise, Mistake, Question

ways_down = Exercise(
    name="ways_down",
    statement="""Return how many of the eigenvalues of the symmetric matrix H are negative: the number of
        independent directions in which the loss curves down. Where the gradient is 0, a minimum has none.""",
    reference=lambda H: int(np.sum(np.linalg.eigvalsh(H) < 0)),
    cases=[
        {"H": np.array([[1.0, 2.0], [2.0, 1.0]])},
        {"H": np.array([[2.0, -1.0], [-1.0, 2.0]])},
        {"H": np.diag([-1.0, -2.0, 3.0])},
        {"H": np.array([[1.0, 3.0, 0.0], [3.0, 1.0, 1.0], [0.0, 1.0, -4.0]])},
    ],
    mistakes=[
        Mistake(
            lambda H: int(np.sum(np.diag(H) < 0)),
            "you looked along the axes only. [[1, 2], [2, 1]] curves up along both axes and down along "
            "(1, -1).",
        ),
        Mistake(
            lambda H: int(np.sum(H < 0)),
            "you counted entries of H. An entry off the diagonal says how two directions are mixed, not that "
            "one of them goes down.",
        ),
        Mistake(
            lambda H: int(np.linalg.det(H) < 0),
            "the determinant is the product of the eigenvalues: two negative ones make it positive.",
        ),
        Mistake(
            lambda H: int(np.sum(np.linalg.eigvalsh(H) > 0)),
            "you counted the ways up. Those down have negative eigenvalues.",
        ),
        Mistake(
            lambda H: int(np.sum(np.linalg.svd(H)[1] < 0)),
            "singular values are never negative: they have lost the sign that you are after.",
        ),
        Mistake(
            lambda H: int(np.any(np.linalg.eigvalsh(H) < 0)),
            "this says whether there is a way down. How many are there?",
        ),
    ],
    hint="""`np.linalg.eigvalsh` returns the eigenvalues of a symmetric matrix.""",
    solution="""
        def ways_down(H):
            return np.sum(np.linalg.eigvalsh(H) < 0)
    """,
    why="""Along an eigenvector the loss curves with its eigenvalue, and the eigenvectors are at right
        angles. So the signs of the eigenvalues say all: none negative, a valley; none positive, a peak;
        both, a saddle.""",
)


escape_steps = Exercise(
    name="escape_steps",
    statement="""On the saddle J = (x^2 - y^2) / 2, gradient descent starts at a distance `offset` from
        the ridge (the line y = 0). Return the number of steps until y is above 1: the smallest whole
        number that does it.""",
    reference=lambda offset, rate: math.ceil(math.log(1 / offset) / math.log(1 + rate)),
    cases=[
        {"offset": 0.01, "rate": 0.1},
        {"offset": 1e-8, "rate": 0.1},
        {"offset": 0.3, "rate": 0.75},
    ],
    mistakes=[
        Mistake(
            lambda offset, rate: math.ceil(math.log(1 / offset) / rate),
            "log(1 + rate) is not rate: that holds for small rates only. One step multiplies y by 1 + rate.",
        ),
        Mistake(
            lambda offset, rate: int(math.log(1 / offset) / math.log(1 + rate)),
            "rounded down: after that many steps y is still below 1.",
        ),
        Mistake(
            lambda offset, rate: math.ceil((1 - offset) / (rate * offset)),
            "this takes the first step again and again. But y grows, and the gradient with it.",
        ),
        Mistake(
            lambda offset, rate: math.ceil(-math.log(1 / offset) / math.log(1 - rate)),
            "1 - rate is the factor of x, which goes down into the valley. Away from the ridge the slope "
            "is -y, "
            "so a step is y + rate y.",
        ),
        Mistake(
            lambda offset, rate: math.ceil(math.log10(1 / offset) / math.log(1 + rate)),
            "two kinds of logarithm: use the same one above and below.",
        ),
    ],
    hint="""J_y = -y, so a step makes y - rate (-y). After t steps y is offset (1 + rate)^t. Take
        logarithms.""",
    solution="""
        def escape_steps(offset, rate):
            return np.ceil(np.log(1 / offset) / np.log(1 + rate))
    """,
    why="""y grows by the factor 1 + rate in each step, however small it is. So the steps grow with the
        logarithm of 1 / offset only: gradient descent leaves a saddle like this one soon, if it is not
        exactly on the ridge.""",
)

climbs = Question(
    text="""A tanh network with squared error trains with all data in every step, at rate 0.2. At the
        start, the largest eigenvalue of the Hessian is near 3. On a parabola, training would diverge
        from 2/0.2 = 10 on. What does the eigenvalue do?""",
    options=(
        "It falls: near a minimum the loss is flat.",
        "It stays near 3.",
        "It climbs to about 10 and stays there.",
        "It climbs beyond 10, and training diverges.",
    ),
    answer="c",
    feedback=(
        """That is what one expects. In the lab, follow the blue line.""",
        """The network is no parabola: its curvature changes while it trains. In the lab, follow the blue
        line.""",
        """Below the bound training moves toward sharper places; above it, the oscillation pushes it
        back. So it hovers at the bound.""",
        """It does cross 10, but then the oscillation along that one direction pushes training back to flatter
        places. In the lab, look at the peaks of the loss.""",
    ),
)

hair_off = Question(
    text="""You start on a saddle, 0.01 off the ridge, and count the steps to escape. Now you start
        0.00000001 off: a million times nearer. How many steps does it take?""",
    options=(
        "For each optimizer, about a million times as many.",
        "Gradient descent about four times as many, Adam about as many as before.",
        "Gradient descent and Adam about four times as many.",
        "None of them gets away.",
    ),
    answer="b",
    feedback=(
        """The gradient is a million times smaller, but y grows by a fixed factor in each step. In the lab,
        drag the start down and read the steps.""",
        """Gradient descent multiplies y by 1.1 a step, so the steps grow with the logarithm of the distance.
        Adam divides the gradient by its own size: it hardly sees how near the ridge is.""",
        """For gradient descent that is right. Adam divides the gradient by its size. In the lab, compare the
        two lines.""",
        """Only a start exactly on the ridge stays there. In the lab, choose *a hair off*.""",
    ),
)

silent_loss = Question(
    text="""A network of 193 parameters starts with very small weights. Its loss stands at 0.693 for
        hundreds of steps. What kind of place is it?""",
    options=(
        "A local minimum: no direction leads down.",
        "A flat plain: all eigenvalues of the Hessian are 0.",
        "A saddle: dozens of directions lead down, but the slope is tiny.",
    ),
    answer="c",
    feedback=(
        """Then it would not get away from there. In the lab, count the black triangles.""",
        """Most are near 0, but not all. In the lab, count the black triangles.""",
        """The gradient is nearly 0, and dozens of eigenvalues are negative, so the weights grow by a small
        factor in each step: first nobody sees it, then all at once.""",
    ),
)

all_positive = Question(
    text="""Draw a symmetric matrix with 6 rows at random. How often are all six eigenvalues positive?""",
    options=(
        "In half of the cases.",
        "In one case of 64, as for six coins.",
        "In one case of about a thousand.",
        "In fewer than one case of ten thousand.",
    ),
    answer="d",
    feedback=(
        """That is right for one row. In the lab, move n.""",
        """It would be, if the six signs were independent. But eigenvalues repel each other. In the lab,
        compare the dots with the dotted line.""",
        """Even less often. In the lab, compare n = 4 and n = 5.""",
        """Eigenvalues repel each other, so they spread to both sides of 0. All on one side is far rarer than
        six heads in a row.""",
    ),
)
