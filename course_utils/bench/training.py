"""Chapter 2's training side by side with the loop as it was published."""

from collections.abc import Iterator

from course_utils.bench.ceiling import measure_ceiling
from course_utils.bench.comparison import (
    ceiling_table,
    comparison_table,
    first_reaching,
    targets,
    trainings_table,
)
from course_utils.bench.fitted import BATCH_SIZE, NETWORKS, run_fit
from course_utils.bench.fresh import Result, run_fresh
from course_utils.bench.machine import need_fashion_mnist
from course_utils.bench.published import run_published
from course_utils.tables import Table

# Epochs, and of how many images, None being all. With 45,000, the networks of five seeds named 91.0
# to 91.5% of the last 10,000 training images, and those of two of the published loop's 90.5 and
# 90.9%: a pass and a half is enough.
TRAININGS = ((1, None), (2, 45_000), (2, None), (3, None), (5, None))


def measure(steps: int | None = None) -> Iterator[Table]:
    """Tables of the machine's ceiling, and of each network's trainings and their comparison.

    Args:
        steps: stop each loop after so many, and extrapolate; accuracies then say little.

    Raises:
        DataUnavailable: Fashion-MNIST is not on this machine.
        BenchFailed: a training ended early.
    """
    need_fashion_mnist()
    ceiling = run_fresh(measure_ceiling)
    yield ceiling_table(ceiling)
    for network in NETWORKS:
        yield from _compare(network, ceiling, steps)


def _compare(network: str, ceiling: Result, steps: int | None) -> Iterator[Table]:
    fits: list[Result] = []
    run: Result | None = None
    try:
        for epochs, images in TRAININGS:
            # Test accuracies end this loop because it measures speed, the time to an accuracy.
            # How long to train, chapter 2 chooses on validation images.
            if run and (steps or first_reaching(fits, max(targets(run)))):
                break
            fits.append(fit_in_fresh(network, epochs=epochs, images=images, steps=steps))
            run = run or published_in_fresh(network, steps=steps)
    finally:  # after an interrupt too
        if fits:
            yield trainings_table(network, fits)
        if run:
            yield comparison_table(network, run, fits, ceiling)


def published_in_fresh(network: str, *, steps: int | None, bar: bool = True) -> Result:
    """`run_published` in a fresh process whose threads wait as torch has them wait by default."""
    description = f"{network} as published" if bar else None
    return run_fresh(
        run_published,
        unset=["OMP_WAIT_POLICY"],
        network=network,
        steps=steps,
        description=description,
    )


def fit_in_fresh(
    network: str,
    *,
    epochs: int = 1,
    images: int | None = None,
    steps: int | None,
    bar: bool = True,
) -> Result:
    """`run_fit` in a fresh process, on as many images as `steps` steps of an epoch need."""
    description = f"{network}, fit, {epochs} epoch{'' if epochs == 1 else 's'}" if bar else None
    images = images if steps is None else steps * BATCH_SIZE
    return run_fresh(
        run_fit, network=network, epochs=epochs, images=images, description=description
    )
