"""Train chapter 2's convolutional network and keep it: `uv run data/make_network.py`.

Takes two minutes on two CPU cores. Prints the accuracy on the test images, the size and the
sha256. Another machine rounds differently and gives other bytes.
"""

import hashlib
from pathlib import Path

import numpy as np

from course_utils.datasets import fashion_mnist
from course_utils.environment import seed_everything
from course_utils.experiments.dnn_vs_cnn import CNN_RATE
from course_utils.models import FashionCNN
from course_utils.training import evaluate, fit

if __name__ == "__main__":
    data = fashion_mnist(allow_subset=False)
    seed_everything(0)
    network = FashionCNN()
    fit(network, data.train.images, data.train.labels, learning_rate=CNN_RATE)
    # Half precision: half the bytes, and the same answers.
    weights = {
        name: value.half().numpy() if value.is_floating_point() else value.numpy()
        for name, value in network.state_dict().items()
    }
    path = Path(__file__).with_name("fashion_cnn.npz")
    np.savez_compressed(path, **weights)
    for words, model in (("as trained", network), ("as kept", network.half().float())):
        _, accuracy = evaluate(model, data.test.images, data.test.labels)
        print(f"test accuracy {words}: {accuracy:.2%}")
    content = path.read_bytes()
    print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>9,}  {path.name}")
