"""Explorer of a learner's own classes: upload pictures, and a classifier learns to tell them."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from course_utils.classifier import FolderClassifier
from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.classes_picture import PER_PAGE, draw_classes
from course_utils.explorers.drawing import percent
from course_utils.explorers.own_classifier import Learner
from course_utils.explorers.own_pictures import (
    SIDE,
    Addition,
    Collection,
    OwnPicture,
    added,
    class_name,
    collected,
    files_added,
    own_picture,
    owner,
    summarized,
    what_is_wrong_with,
    what_to_add,
)
from course_utils.explorers.uploads import named_files, take_upload, take_uploads, upload_button
from course_utils.folders import FolderError, read_folder
from course_utils.pictures import read_picture
from course_utils.pretrained import Backbone, efficientnet_lite0

FIRST_NAME = "my class"  # in the box where there is no class yet


class New(NamedTuple):
    """A picture to classify.

    Attributes:
        name: of its file.
        picture: its central square.
    """

    name: str
    picture: OwnPicture


class State(NamedTuple):
    """All that the explorer shows.

    Attributes:
        collection: the pictures by class.
        classifier: of the classes that have pictures enough, or None.
        new: a picture to classify, or None.
        probabilities: class -> probability, for a new picture that is in no class; else empty.
    """

    collection: Collection
    classifier: FolderClassifier | None
    new: New | None
    probabilities: Mapping[str, float]


class MyClassesExplorer(Explorer):
    """Sort your own pictures into classes; a classifier learns them and answers on a new picture.

    The network's features of each picture are computed once and kept, so that more pictures mean
    little waiting. A picture that is in a class is never shown as new.

    Args:
        classes: name -> pictures, each uint8 RGB [H, W, 3] or gray [H, W]; may be empty.
        backbone: the frozen network; by default EfficientNet-Lite0 at 224 pixels.
        new_picture: a picture to classify first, uint8 RGB [H, W, 3] or gray [H, W].

    Raises:
        ValueError: one sentence that says which input is not as described.
        DataUnavailable: the network's weights are missing or damaged.
    """

    title = "Explorer of your own classes"

    def __init__(
        self,
        classes: Mapping[str, Sequence[np.ndarray]],
        backbone: Backbone | None = None,
        *,
        new_picture: np.ndarray | None = None,
    ) -> None:
        collection, notes, _ = collected(classes)
        new = None if new_picture is None else New("the example", own_picture(new_picture))
        self._learner = Learner(efficientnet_lite0(SIDE) if backbone is None else backbone)
        self._notes: tuple[str, ...] = ()
        self._next_notes = summarized(notes)  # for the next drawing
        self._edit: Callable[[], tuple[str, Addition]] | None = None
        self._state = State({}, None, None, {})
        self._state = self._learned(collection, new, "computing features")
        name = next(iter(collection), FIRST_NAME)
        super().__init__(
            {
                "name": widgets.Text(value=name, description="Class"),
                "pictures": upload_button("Add pictures, 10 MB in all", multiple=True),
                "page": widgets.IntSlider(min=1, max=1, description="Page"),
                "new": upload_button("A new picture, up to 10 MB"),
            }
        )

    @classmethod
    def from_folder(
        cls,
        path: str | os.PathLike[str],
        backbone: Backbone | None = None,
        *,
        new_picture: np.ndarray | None = None,
    ) -> "MyClassesExplorer":
        """The explorer of the pictures in a folder that has a sub-folder for each class.

        Raises:
            FolderError: the folder cannot be used.
            ValueError, DataUnavailable: as for the class.
        """
        folder = read_folder(path, SIDE)
        classes = {
            name: [
                image.permute(1, 2, 0).numpy()  # [3, SIDE, SIDE] -> [SIDE, SIDE, 3]
                for image in folder.images[folder.labels == label]
            ]
            for label, name in enumerate(folder.classes)
        }
        explorer = cls(classes, backbone, new_picture=new_picture)
        explorer._next_notes = summarized(folder.skipped)
        explorer._on_change(set())
        return explorer

    def add(self, name: str, files: Mapping[str, bytes]) -> str:
        """Add pictures to a class, as those that Colab's `files.upload()` gives.

        Args:
            name: of the class; a new one makes a class.
            files: file name -> the file's bytes.

        Returns:
            What the status line says: what was learned, or why nothing was added.
        """

        def edit() -> tuple[str, Addition]:
            try:
                named = named_files(files)
            except ValueError as problem:
                raise ExplorerError(str(problem)) from problem
            return name, files_added(self._state.collection, name, named)

        return self._edited(edit)

    def add_folder(self, path: str | os.PathLike[str]) -> str:
        """Add the pictures of a folder that has a sub-folder for each class.

        Returns:
            What the status line says: what was learned, or why nothing was added.
        """

        def edit() -> tuple[str, Addition]:
            try:
                folder = read_folder(path, SIDE, description=None)
            except FolderError as problem:
                raise ExplorerError(str(problem)) from problem
            addition = Addition(self._state.collection, folder.skipped)
            for label, name in enumerate(folder.classes):
                pictures = [
                    (file.name, own_picture(image.permute(1, 2, 0).numpy()))
                    for file, own, image in zip(
                        folder.paths, folder.labels.tolist(), folder.images, strict=True
                    )
                    if own == label
                ]
                collection, notes, left_over = added(addition.collection, name, pictures)
                left_over += addition.left_over
                addition = Addition(collection, addition.notes + notes, left_over)
            notes = summarized(addition.notes, addition.left_over)
            return folder.classes[0], Addition(addition.collection, notes)

        return self._edited(edit)

    def remove(self, name: str) -> str:
        """Take a class away with its pictures; the status line says what is left."""

        def edit() -> tuple[str, Addition]:
            kept = {known: own for known, own in self._state.collection.items() if known != name}
            if len(kept) == len(self._state.collection):
                raise ExplorerError(f"There is no class {name}.")
            return next(iter(kept), FIRST_NAME), Addition(kept)

        return self._edited(edit)

    def adjust(self, changed: set[str]) -> None:
        """Take in what was uploaded, learn from it, and give the page slider its pages."""
        self._notes, self._next_notes = self._next_notes, ()
        if "pictures" in changed:
            self._take_pictures()
        if "new" in changed and (upload := take_upload(self.controls["new"])):
            file_name, content = upload
            new = New(file_name, own_picture(read_picture(content, file_name)))
            self._state = self._learned(self._state.collection, new)
        page = self.controls["page"]
        longest = max(map(len, self._state.collection.values()), default=0)
        page.max = max(-(-longest // PER_PAGE), 1)
        page.disabled = page.max == 1

    def describe(self, name: str, page: int) -> str:
        """What was left out, where pictures go, the accuracy and how far to trust it."""
        state = self._state
        parts = [*self._notes, _goes_to(class_name(name), state.collection)]
        if state.classifier is not None:
            largest = state.classifier.counts.index(max(state.classifier.counts))
            parts.append(
                f"Accuracy on held-out pictures: {state.classifier.accuracy.percent()}; always "
                f"answering {state.classifier.classes[largest]}: {state.classifier.majority:.1%}."
            )
        if missing := what_to_add(state.collection):
            parts.append(missing)
        if state.classifier is not None:
            parts += state.classifier.warnings
        return " ".join([*parts, *_answer(state)])

    def render(self, name: str, page: int) -> np.ndarray:
        """The pictures by class, the accuracy, the mistakes, the answer on the new picture."""
        state = self._state
        return draw_classes(
            state.collection,
            class_name(name),
            page,
            classifier=state.classifier,
            missing=what_to_add(state.collection),
            new=None if state.new is None else state.new.picture,
            probabilities=state.probabilities,
        )

    def _edited(self, edit: Callable[[], tuple[str, Addition]]) -> str:
        self._edit = edit
        self._on_change({"pictures"})
        return self.status

    def _take_pictures(self) -> None:
        """Take in what a method or the button brings; on an error all stays as it was."""
        edit, self._edit = self._edit, None
        if edit is None:
            name = self.controls["name"].value
            files = take_uploads(self.controls["pictures"])
            addition = files_added(self._state.collection, name, files)
        else:
            name, addition = edit()
        self._status.value = "Learning …"  # until there is more to say
        self._state = self._learned(addition.collection, self._state.new)
        self._notes = addition.notes
        self.controls["name"].value = class_name(name)

    def _learned(
        self, collection: Collection, new: New | None, description: str | None = None
    ) -> State:
        """What is shown of these pictures; trains if they are others than before."""
        classifier = self._state.classifier
        if collection is not self._state.collection:
            classifier = self._learner.train(collection, description)
        probabilities = {}
        if classifier and new and owner(collection, new.picture) is None:
            probabilities = classifier.predict(new.picture.square)
        return State(collection, classifier, new, probabilities)


def _goes_to(name: str, collection: Collection) -> str:
    if problem := what_is_wrong_with(name, collection):
        return problem
    if name not in collection:
        return f"{name} is a new class: add pictures of it."
    count = len(collection[name])
    return f"Pictures that you add go to {name} ({count} so far)."


def _answer(state: State) -> list[str]:
    """What is said about the new picture."""
    if state.new is None:
        return []
    own = owner(state.collection, state.new.picture)
    if own is not None:
        return [f"The picture {state.new.name} is one of {own}, and so it is not new."]
    if not state.probabilities:
        return []
    likeliest = next(iter(state.probabilities))
    share = percent(state.probabilities[likeliest])
    return [f"New picture, {state.new.name}: {likeliest} ({share})."]
