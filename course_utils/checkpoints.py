"""Save the state of a training so that it can go on later."""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, lists, dicts) to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
        os.replace(temporary, path)
    except BaseException:  # also an interrupt: no half a file stays behind
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, onto the CPU.

    Raises:
        ValueError: the file cannot be read, is no checkpoint, or holds objects other than plain
            data; such objects are never made.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a foreign file looks like becomes a sentence
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"{path} cannot be read ({reason}): name another file.") from error
    except Exception as error:  # torch raises many kinds on bytes that are no checkpoint
        raise _no_checkpoint(path) from error
    if not isinstance(state, dict):
        raise _no_checkpoint(path)
    return state


def _no_checkpoint(path: Path) -> ValueError:
    return ValueError(
        f"{path} is not a checkpoint of this course: name another file, or delete it."
    )
