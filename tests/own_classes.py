"""Pictures of one color, as files too, and a network that sees only color."""

import cv2
import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from course_utils.explorers.my_classes import MyClassesExplorer
from course_utils.pretrained import Backbone

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 30), (30, 30, 220)
GREEN_TILE = np.full((30, 30, 3), GREEN, np.uint8)
BLUE_TILE = np.full((30, 30, 3), BLUE, np.uint8)
NO_PICTURE = b"milk, bread"


class Colors(nn.Module):
    """As a network of ImageNet has blocks; its features are a picture's mean colors."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            setattr(self, name, nn.Identity())
        self.avgpool = nn.AdaptiveAvgPool2d(1)


def color_backbone(seen: list[int]) -> Backbone:
    """A network that sees color; `seen` gets the number of pictures that it looks at, each time."""

    def prepare(images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return images.float() / 255

    return Backbone(Colors(), prepare, ())


def two_classes() -> dict[str, list[np.ndarray]]:
    """Twelve red and ten green pictures."""
    return {"reds": pictures(RED, 12), "greens": pictures(GREEN, 10)}


def pictures(color: tuple[int, int, int], count: int, start: int = 0) -> list[np.ndarray]:
    """Pictures of one color, no two of them equal."""
    made = [np.full((30, 40, 3), color, np.uint8) for _ in range(count)]
    for number, picture in enumerate(made, start=start):
        picture[0, 10 + number // 10] = 10 * (number % 10)
    return made


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()


def files(color: tuple[int, int, int], count: int, start: int = 0) -> dict[str, bytes]:
    return {
        f"{start + number}.png": png(picture)
        for number, picture in enumerate(pictures(color, count, start))
    }


def upload(button: widgets.FileUpload, chosen: dict[str, bytes]) -> None:
    """Do what the browser does when several files are chosen."""
    about = [{"name": name, "type": "", "size": len(content)} for name, content in chosen.items()]
    contents = [memoryview(content) for content in chosen.values()]
    if hasattr(button, "_counter"):  # ipywidgets 7
        metadata = [{**file, "lastModified": 0} for file in about]
        counter = button._counter + len(chosen)
        button.set_state({"_counter": counter, "metadata": metadata, "data": contents, "error": ""})
    else:
        value = [
            {**file, "last_modified": 0, "content": content}
            for file, content in zip(about, contents, strict=True)
        ]
        button.set_state({"value": value, "error": ""})


def counts(explorer: MyClassesExplorer) -> dict[str, int]:
    return {name: len(own) for name, own in explorer._state.collection.items()}
