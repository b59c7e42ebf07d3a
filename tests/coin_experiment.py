"""An experiment that processes other than the test's own can import."""

import torch


def run(key: str, seed: int) -> dict:
    if key == "broken":
        raise ValueError("no coin")
    return {"heads": float(seed), "threads": torch.get_num_threads()}
