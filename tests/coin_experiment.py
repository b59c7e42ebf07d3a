"""An experiment that processes other than the test's own can import."""

import os
import time
from pathlib import Path

import torch


def run(key: str, seed: int) -> dict:
    if key == "broken":
        raise ValueError("no coin")
    if key == "killed":
        os._exit(9)
    if key.startswith("/"):  # a folder: leaves a trace there, and fails at once with seed 0
        Path(key, str(seed)).touch()
        if seed == 0:
            raise ValueError("no coin")
        time.sleep(5)
    return {"heads": float(seed), "threads": torch.get_num_threads()}
