"""The exercises and prediction questions of notebook 06c on learning-rate decay."""

from dlhelpers.exercises.checking import Exercise, Mistake, Question

decay_after = Exercise(
    name="decay_after",
    statement="""Return the learning rate at a step, for the schedule "constant, then decay". Up to step
        `start` it is `rate`. From there it falls along a line, which reaches 0 at step `steps`. After that it
        stays 0.""",
    reference=lambda step, rate, start, steps: rate * min(1.0, max(0.0, (steps - step) / (steps - start))),
    cases=[
        {"step": 100, "rate": 0.4, "start": 60, "steps": 160},
        {"step": 20, "rate": 0.4, "start": 60, "steps": 160},
        {"step": 200, "rate": 0.4, "start": 60, "steps": 160},
        {"step": 30, "rate": 0.1, "start": 0, "steps": 40},
    ],
    mistakes=[
        Mistake(
            lambda step, rate, start, steps: rate * max(0.0, 1 - step / steps),
            "there is no constant part: the line begins at step 0. At step `start` the rate is still `rate`.",
        ),
        Mistake(
            lambda step, rate, start, steps: rate if step <= start else rate * max(0.0, 1 - step / steps),
            "the rate jumps at `start`: your line is that of a decay from step 0. It has to begin at the "
            "full "
            "rate, and it has only `steps - start` steps.",
        ),
        Mistake(
            lambda step, rate, start, steps: rate * min(1.0, (steps - step) / (steps - start)),
            "after the last step the rate is negative: gradient descent would climb. It stays 0.",
        ),
        Mistake(
            lambda step, rate, start, steps: rate * max(0.0, (steps - step) / (steps - start)),
            "before `start` the rate is above `rate`: the line goes on to the left. There it is constant.",
        ),
        Mistake(
            lambda step, rate, start, steps: rate * min(1.0, max(0.0, 1 - (step - start) / steps)),
            "the line is too flat: it falls over `steps` steps, but it has only `steps - start` of them.",
        ),
        Mistake(
            lambda step, rate, start, steps: rate * (step <= start),
            "the rate falls to 0 at once. Then nothing is learned any more, and the noise stays as it is.",
        ),
    ],
    hint="""Which share of the decay is left at a step? It is 1 at `start` and 0 at `steps`. Then keep that
        share between 0 and 1.""",
    solution="""
        def decay_after(step, rate, start, steps):
            left = (steps - step) / (steps - start)
            return rate * min(1.0, max(0.0, left))
    """,
    why="""The decay has a length of its own, steps - start. So one may train at a constant rate as long
        as one likes and branch a decay off later: nothing before the fork depends on where the end will
        be.""",
)

lower_rate = Question(
    text="""The loss is noisy, and training at a constant rate of 0.5 has stopped falling. You divide the
        rate by ten. What happens to the loss at which training stands still?""",
    options=(
        "Nothing: a smaller rate only takes longer to get to the same place.",
        "It falls to about a tenth.",
        "It falls to about a hundredth.",
        "It rises: smaller steps cannot leave a bad place.",
    ),
    answer="b",
    feedback=(
        """Without noise that would be so. With noise, each step throws theta about, and a smaller step throws
        it less far. In the lab, move the first rate and watch the dots of the small panel.""",
        """The noise that a step adds falls with the square of the rate, and the time over which it adds up
        grows as one over the rate: together, the loss falls with the rate.""",
        """What one step adds is a hundredth. But small steps also forget slowly, so ten times as many of
        them add up. In the lab, move the first rate and watch the small panel.""",
        """There is one valley here, and it has no bad places. In the lab, choose a schedule that lowers the
        rate and watch the blue curve.""",
    ),
)

late_fork = Question(
    text="""A network reads noisy digits. One run holds its rate for 70% of the steps, then lets it fall
        to 0 along a line. Another run lets it fall along a cosine from the first step on. Each has its
        own best peak rate. Which dev loss is lower at the end?""",
    options=(
        "They are about the same.",
        "The cosine: the other run wastes most of its steps at a rate that is too large.",
        "The late decay is far better: it learns at full speed for longer.",
    ),
    answer="a",
    feedback=(
        """Most of what the noise costs is gained back in the decay, and that can be short. So one need not
        know the end of training when it begins.""",
        """At the large rate the loss looks bad because of the noise, but the mean of the weights moves on all
        the while; the decay then takes the noise away. In the lab, compare the two dots on the right.""",
        """It would have to make up for its noise, too. In the lab, compare the two dots on the right.""",
    ),
)
