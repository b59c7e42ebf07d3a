"""A learner's own pictures by class: what can be added, and what must be said about it.

A collection is never changed: adding gives another one, so that nothing is lost on an error.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from course_utils.explorers.base import ExplorerError
from course_utils.pictures import PictureError, central_square, read_picture, to_rgb

MOST_CLASSES, MOST_PICTURES = 8, 200
LEAST = 2  # pictures of a class: one to learn from and one to test on
LONGEST_NAME = 40  # characters of a class's name
SIDE = 224  # pixels: what the network looks at
THUMBNAIL = 96  # pixels
NAMED = 3  # files that a sentence names; of more it says how many


class OwnPicture(NamedTuple):
    """The middle of a picture.

    Attributes:
        square: uint8 RGB [SIDE, SIDE, 3].
        thumbnail: uint8 RGB [THUMBNAIL, THUMBNAIL, 3].
        key: the same for equal squares only.
    """

    square: np.ndarray
    thumbnail: np.ndarray
    key: bytes


Collection = Mapping[str, tuple[OwnPicture, ...]]  # name of a class -> its pictures


class Addition(NamedTuple):
    """A collection with more pictures, and what was not taken.

    Attributes:
        collection: the pictures by class.
        notes: a sentence for each picture that was not taken for what it is.
        left_over: the number of pictures for which there was no room.
    """

    collection: Collection
    notes: tuple[str, ...] = ()
    left_over: int = 0


def own_picture(picture: Any) -> OwnPicture:
    """The central square of a picture uint8 RGB [H, W, 3] or gray [H, W].

    Raises:
        PictureError: `picture` is something else.
    """
    square = to_rgb(central_square(picture, SIDE))
    return OwnPicture(square, central_square(square, THUMBNAIL), sha256(square).digest())


def collected(classes: Any) -> Addition:
    """A collection of the pictures that a notebook hands over.

    Args:
        classes: name -> pictures uint8 RGB [H, W, 3] or gray [H, W]; may be empty.

    Raises:
        ValueError: that is something else, or there are too many classes or pictures.
    """
    if not isinstance(classes, Mapping):
        raise ValueError("classes must name sequences of pictures, as in {'cats': [array, array]}.")
    if (count := sum(len(pictures) for pictures in classes.values())) > MOST_PICTURES:
        raise ValueError(
            f"There are {count} pictures, and {MOST_PICTURES} are the most that are shown here: "
            "give fewer of each class."
        )
    addition = Addition({})
    for name, pictures in classes.items():
        own = []
        for place, picture in enumerate(pictures, start=1):
            try:
                own.append((f"picture {place} of {name}", own_picture(picture)))
            except PictureError as problem:
                raise ValueError(f"Picture {place} of {name}: {problem}") from problem
        collection, notes, _ = added(addition.collection, name, own)
        addition = Addition(collection, addition.notes + notes)
    return addition


def added(
    collection: Collection, name: Any, pictures: Iterable[tuple[str, OwnPicture]]
) -> Addition:
    """A collection with pictures added to a class, which is made if there is none of that name.

    Pictures that some class has already are not taken, nor are more than `MOST_PICTURES` in all.

    Args:
        collection: what is there.
        name: of the class.
        pictures: each with what a sentence calls it.

    Raises:
        ExplorerError: the class can have no such name, or there would be too many classes.
    """
    name = class_name(name)
    if problem := what_is_wrong_with(name, collection):
        raise ExplorerError(problem)
    room = MOST_PICTURES - sum(map(len, collection.values()))
    kept, notes, left_over = [], [], 0
    known = {picture.key: owner for owner, own in collection.items() for picture in own}
    for called, picture in pictures:
        if picture.key in known:
            notes.append(f"{called} is already among the pictures of {known[picture.key]}.")
        elif len(kept) == room:
            left_over += 1
        else:
            kept.append(picture)
            known[picture.key] = name
    together = {**collection, name: (*collection.get(name, ()), *kept)}
    return Addition(together, tuple(notes), left_over)


def files_added(collection: Collection, name: Any, files: Sequence[tuple[str, Any]]) -> Addition:
    """A collection with pictures from files added to a class; bad files are left out.

    Args:
        collection: what is there.
        name: of the class.
        files: name and bytes of each.

    Raises:
        ExplorerError: nothing could be added.
    """
    if not files:
        raise ExplorerError("No file was chosen.")
    good, bad = [], []
    for file_name, content in files:
        try:
            good.append((file_name, own_picture(read_picture(content, file_name))))
        except PictureError as problem:
            bad.append(str(problem))
    addition = added(collection, name, good)
    notes = summarized([*bad, *addition.notes], addition.left_over)
    if sum(map(len, addition.collection.values())) == sum(map(len, collection.values())):
        raise ExplorerError(" ".join(notes))
    return Addition(addition.collection, notes)


def summarized(notes: Sequence[str], left_over: int = 0) -> tuple[str, ...]:
    """For how many pictures there was no room; then the first sentences, and how many more."""
    said = list(notes[:NAMED])
    if left_over:
        said.insert(0, f"{MOST_PICTURES} pictures are the most: {_were(left_over)} left out.")
    if (more := len(notes) - NAMED) > 0:
        said.append(f"And {_were(more, 'more ')} not taken.")
    return tuple(said)


def _were(count: int, what: str = "") -> str:
    return f"{count} {what}{'was' if count == 1 else 'were'}"


def class_name(text: Any) -> str:
    """A name as it is kept: printable, with single spaces.

    Raises:
        ExplorerError: `text` is no text.
    """
    if not isinstance(text, str):
        raise ExplorerError(f"The name of a class must be a text, not {type(text).__name__}.")
    return "".join(filter(str.isprintable, " ".join(text.split())))


def what_is_wrong_with(name: str, collection: Collection) -> str | None:
    """Why pictures cannot go to a class of that name, or None if they can."""
    if not name:
        return "Type the name of a class, to which your pictures shall go."
    if len(name) > LONGEST_NAME:
        return f"Choose a shorter name: it has {len(name)} letters, {LONGEST_NAME} are the most."
    if name not in collection and len(collection) >= MOST_CLASSES:
        known = ", ".join(collection)
        return f"There are {MOST_CLASSES} classes, which are the most. Choose one of them: {known}."
    return None


def trainable(collection: Collection) -> list[str]:
    """The classes that have enough pictures to learn from and to test on."""
    return [name for name, pictures in collection.items() if len(pictures) >= LEAST]


def what_to_add(collection: Collection) -> str | None:
    """What is missing for a classifier of all classes, or None."""
    short = [name for name, pictures in collection.items() if len(pictures) < LEAST]
    if len(collection) < 2:
        some = "one more class" if collection else "two classes"
        return f"Add pictures of {some}: type the name of a class, then choose its pictures."
    if short:
        return (
            f"Add pictures of {', '.join(short)}: each class needs at least {LEAST}, "
            "and 10 or more are better."
        )
    return None


def owner(collection: Collection, picture: OwnPicture) -> str | None:
    """The class that has this picture already, or None."""
    for name, pictures in collection.items():
        if any(picture.key == own.key for own in pictures):
            return name
    return None
