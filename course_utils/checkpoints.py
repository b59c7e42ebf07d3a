"""Save the state of a training so that it can go on later."""

import os
import warnings
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch


def check_writable(path: Path) -> None:
    """Whether a checkpoint could be saved there: tried, and nothing is left.

    Raises:
        ValueError: no file can be made there.
    """
    folder = next(filter(os.path.exists, path.parents), path.parent)
    probe = folder / _temporary(path).name
    try:
        probe.open("xb").close()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(
            f"{path} cannot be written ({reason}): name a file in a folder that you may write to."
        ) from error


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, lists, dicts) to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            torch.save(state, file)
        os.replace(temporary, path)
    except BaseException:  # also an interrupt: no half a file stays behind
        temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> Path:
    """A new name beside `path`; a file of `tempfile`'s only its owner may read."""
    return path.with_name(f"{path.name}{uuid4().hex[:8]}")


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


def random_states(device: torch.device) -> dict[str, Any]:
    """The state of the random numbers of the CPU and of `device`, for a checkpoint."""
    states = {"random": torch.get_rng_state()}
    if device.type == "cpu":
        return states
    state = torch.get_device_module(device).get_rng_state(device)
    return states | {"device": device.type, "device_random": state}


def restore_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Put back what `random_states` gave, that of a device only if `device` is of its kind."""
    torch.set_rng_state(states["random"])
    if states.get("device") == device.type:
        torch.get_device_module(device).set_rng_state(states["device_random"], device)


def _no_checkpoint(path: Path) -> ValueError:
    return ValueError(
        f"{path} is not a checkpoint of this course: name another file, or delete it."
    )
