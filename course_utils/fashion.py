"""Train chapter 2's convolutional network from a terminal, in one process or several.

python -m course_utils.fashion
torchrun --nproc-per-node 2 -m course_utils.fashion --checkpoint fashion.pt
"""

import argparse
from pathlib import Path

import torch

from course_utils.datasets import fashion_mnist
from course_utils.distributed import process_group, rank
from course_utils.models import FashionCNN
from course_utils.sources import DataUnavailable
from course_utils.training import evaluate, fit


def main() -> int:
    """Train, and print what came of it; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train chapter 2's convolutional network.")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128, help="of all processes together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="saved after each epoch, and resumed from")
    parser.add_argument("--device", choices=["cpu"], help="instead of the fastest one")
    options = parser.parse_args()
    device = None if options.device is None else torch.device(options.device)
    try:
        with process_group(device):
            return _run(options, device)
    except ValueError as problem:  # there is no group: no process knows whether another says it
        print(problem)
        return 1


def _run(options: argparse.Namespace, device: torch.device | None) -> int:
    try:
        _train(options, device)
    except (DataUnavailable, ValueError) as problem:
        if rank() == 0:
            print(problem)
        return 1
    return 0


def _train(options: argparse.Namespace, device: torch.device | None) -> None:
    data = fashion_mnist()
    torch.manual_seed(options.seed)
    network = FashionCNN()
    history = fit(
        network,
        *data.train,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=0.008,
        seed=options.seed,
        device=device,
        checkpoint=options.checkpoint,
    )
    if rank() == 0:
        print(history)
        print(f"test accuracy {evaluate(network, *data.test)[1]:.1%}")


if __name__ == "__main__":
    raise SystemExit(main())
