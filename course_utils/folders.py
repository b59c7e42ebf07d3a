"""A folder of a learner's own photographs: one sub-folder a class."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from course_utils.pictures import PictureError, central_square, read_picture_file, short_name
from course_utils.progress import Progress

# A file with one of these endings was meant as a picture: if it cannot be read, that is said.
ENDINGS = re.compile(
    r"\.(a?png|jpe?g?|jfif|gif|bmp|dib|webp|tiff?|hei[cf]|avif|svg|jp2|jxl|ico|psd|tga|p[bgp]m"
    r"|raw|dng|cr[23]|nef|arw|raf|orf|rw2)",
    re.IGNORECASE,
)
# How files of pictures begin, whatever they are called.
BEGINNING = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|BM.{4}\0{4}|RIFF.{4}WEBP|II\*\0|MM\0\*"
    rb"|.{4}ftyp(?:hei|hev|mif1|msf1|avi[fs])",
    re.DOTALL,
)
LEFT_BY_PROGRAMS = ("__MACOSX", "@eaDir", "__pycache__")
PARTS_OF_A_DATASET = {"train", "training", "val", "valid", "validation", "test", "testing"}

Identity = tuple[int, int] | Path  # the same for a folder and for a link to it


class FolderError(ValueError):
    """A sentence for the learner: why a folder cannot be used, and what to do."""


@dataclass(frozen=True, eq=False)
class PictureFolder:
    """The pictures of a folder with a sub-folder for each class.

    Attributes:
        images: uint8 RGB [N, 3, side, side], the middle of each picture; no two are equal.
        labels: int64 [N], an index into `classes`; each class has at least one picture.
        classes: names of the sub-folders, sorted.
        paths: of each picture's file.
        skipped: a sentence for each file that was left out although it seems to be a picture, and
            for each link and folder that could not be followed.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    skipped: tuple[str, ...]

    def __repr__(self) -> str:
        counts = self.labels.bincount(minlength=len(self.classes)).tolist()
        each = ", ".join(f"{name} {n}" for name, n in zip(self.classes, counts, strict=True))
        words = f"{len(self.paths)} pictures in {len(self.classes)} classes ({each})"
        return words + (f", {len(self.skipped)} left out" if self.skipped else "")


@dataclass(frozen=True, eq=False)
class _Picture:
    path: Path
    label: int
    pixels: np.ndarray  # uint8 [side, side, 3]


def read_folder(
    path: str | os.PathLike[str], side: int = 256, *, description: str | None = "reading pictures"
) -> PictureFolder:
    """Read all pictures below a folder that has a sub-folder for each class.

    Pictures are recognized by their content as well as by the ending of their name, and found at
    any depth below a class's folder. Other files, and whatever is hidden, are passed over without
    a word. A picture that cannot be read is left out and named in `skipped`. So are copies,
    which would otherwise be both learned from and tested on: of pictures that are equal, pixel by
    pixel, after cutting and resizing, the first is kept if all lie in one class, and none if they
    lie in several, since nobody can say which of the classes is right.

    Args:
        path: the folder; `~` is the user's own.
        side: pixels. The central square of each picture is resized to it, antialiased.
        description: what the progress bar says; None shows no bar.

    Raises:
        FolderError: there is no such folder, it has fewer than two sub-folders, or one of them
            holds no readable picture.
        ValueError: `side` is less than 1.
    """
    if side < 1:
        raise ValueError(f"side must be at least 1 pixel, not {side}.")
    root = _existing(path)
    skipped: list[str] = []
    folders = _class_folders(root, skipped)
    known = {_identity(folder) for folder in (root, *folders)}
    files = [
        (file, label)
        for label, folder in enumerate(folders)
        for file in _files(folder, root, known, skipped)
        if _seems_a_picture(file)
    ]
    pictures = []
    with Progress(len(files), description, "pictures") as bar:
        for file, label in files:
            try:
                pictures.append(_Picture(file, label, _pixels(file, side)))
            except PictureError as error:
                skipped.append(f"{_name(file, root)}: {_reason(error, file)}")
            bar.update()
    pictures = _without_copies(pictures, root, skipped)
    _require_every_class([picture.label for picture in pictures], folders, skipped)
    stacked = np.stack([picture.pixels for picture in pictures]).transpose(0, 3, 1, 2)
    return PictureFolder(
        images=torch.from_numpy(np.ascontiguousarray(stacked)),
        labels=torch.tensor([picture.label for picture in pictures]),
        classes=tuple(folder.name for folder in folders),
        paths=tuple(picture.path for picture in pictures),
        skipped=tuple(skipped),
    )


def _existing(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise FolderError("Give the path of a folder that has a sub-folder for each class.")
    root = Path(os.path.expanduser(path))  # Path.expanduser fails on a user that there is not
    if os.path.isfile(root):
        raise FolderError(
            f"{root} is a file: give the folder that has a sub-folder for each class, "
            "and unpack an archive first."
        )
    if not os.path.isdir(root):
        raise FolderError(
            f"There is no folder {root}: check its name and where it lies. "
            f"A path that is not absolute begins at {Path.cwd()}."
        )
    return root


def _class_folders(root: Path, skipped: list[str]) -> list[Path]:
    """The sub-folders in the order of their names; pictures beside them are named as skipped."""
    try:
        entries = sorted(root.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise FolderError(f"The folder {root} cannot be opened: {error.strerror}.") from error
    visible = [entry for entry in entries if not _is_hidden(entry.name)]
    folders = [entry for entry in visible if os.path.isdir(entry)]
    loose = [entry for entry in visible if entry not in folders and _seems_a_picture(entry)]
    if len(folders) < 2:
        raise FolderError(_too_few(root, folders, loose))
    names = [folder.name for folder in folders]
    if {name.lower() for name in names} <= PARTS_OF_A_DATASET:
        raise FolderError(
            f"{root} holds the parts of a data set ({', '.join(names)}) and not its classes: "
            f"give one of them, for example {folders[0]}."
        )
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise FolderError(f"Rename the sub-folder {short_name(name)!r}: it is no valid text.")
    skipped += [f"{_name(file, root)}: it lies in no class's folder." for file in loose]
    return folders


def _too_few(root: Path, folders: Sequence[Path], loose: Sequence[Path]) -> str:
    if not folders:
        holds = "has pictures but no sub-folders" if loose else "has no sub-folders"
        return (
            f"{root} {holds}: make one for each class, at least two, and move the pictures of "
            "each class into its own."
        )
    [only] = folders
    return (
        f"{root} has only the sub-folder {only.name}: at least two are needed, one for each class "
        f"(if {only.name} is the folder that has them, give {only})."
    )


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in LEFT_BY_PROGRAMS


def _files(top: Path, root: Path, known: set[Identity], skipped: list[str]) -> Iterator[Path]:
    """All files below `top` that are not hidden, through links too, but no folder twice.

    `known` are folders that are read on their own: a link to them is not followed.
    """

    def refuse(error: OSError) -> None:
        name = _name(Path(error.filename), root)
        skipped.append(f"{name}: the folder cannot be opened ({error.strerror}).")

    seen = set(known)
    for folder, inner, names in os.walk(top, onerror=refuse, followlinks=True):
        here = Path(folder)
        fresh = []
        for name in sorted(name for name in inner if not _is_hidden(name)):
            identity = _identity(here / name)
            if identity in seen:
                skipped.append(f"{_name(here / name, root)}: it leads to a folder already read.")
            else:
                fresh.append(name)
            seen.add(identity)
        inner[:] = fresh
        yield from (here / name for name in sorted(names) if not _is_hidden(name))


def _identity(folder: Path) -> Identity:
    try:
        status = folder.stat()
    except OSError:
        return folder  # it cannot be opened either, and `os.walk` will report that
    return status.st_dev, status.st_ino


def _seems_a_picture(path: Path) -> bool:
    if ENDINGS.fullmatch(path.suffix):
        return True
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return BEGINNING.match(file.read(16)) is not None
    except OSError:
        return True  # nobody knows what it is: reading it will fail, and the learner is told


def _pixels(path: Path, side: int) -> np.ndarray:
    # Twice the size that is needed leaves the resizing, with its antialiasing, to Pillow.
    return central_square(read_picture_file(path, smallest=2 * side), side)


def _name(path: Path, root: Path) -> str:
    return "/".join(short_name(part) for part in path.relative_to(root).parts)


def _reason(error: PictureError, path: Path) -> str:
    return str(error).removeprefix(f"Cannot read {short_name(path.name)}: ")


def _without_copies(pictures: Sequence[_Picture], root: Path, skipped: list[str]) -> list[_Picture]:
    groups: dict[bytes, list[_Picture]] = {}
    for picture in pictures:
        groups.setdefault(sha256(picture.pixels).digest(), []).append(picture)
    kept = []
    for group in groups.values():
        names = [_name(picture.path, root) for picture in group]
        if len({picture.label for picture in group}) > 1:
            skipped.append(
                f"{' and '.join(names)}: they are the same picture in different classes, and all "
                "are left out. Delete those in the wrong class."
            )
        else:
            kept.append(group[0])
            skipped += [f"{name}: it is the same picture as {names[0]}." for name in names[1:]]
    return kept


def _require_every_class(
    labels: Sequence[int], folders: Sequence[Path], skipped: Sequence[str]
) -> None:
    empty = [folder.name for label, folder in enumerate(folders) if label not in set(labels)]
    if empty:
        reasons = [words for words in skipped if words.startswith(f"{empty[0]}/")]
        example = f" ({reasons[0].partition('. ')[0].rstrip('.')})" if reasons else ""
        raise FolderError(
            f"There is no readable picture in {' and '.join(empty)}{example}: put some into each "
            "class's folder, or remove the folder."
        )
