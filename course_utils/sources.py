"""Files of the catalog, found on this machine or downloaded.

Whatever the place, bytes are checked against a sha256 before anyone opens them. Every failure is
one `DataUnavailable`, which says what was tried, what each place said and what to do.
"""

from collections.abc import Sequence
from pathlib import Path

from course_utils.catalog import DATASETS, OPTIONAL, SHIPPED, Dataset
from course_utils.places import File, Place, PlaceFailed, search


class DataUnavailable(Exception):
    """Data could not be had; the message says what was tried, what went wrong and what to do."""


def fetch(name: str) -> dict[str, Path]:
    """The checked files of the dataset `name`, downloaded if this machine does not have them.

    Args:
        name: a key of `DATASETS` or `OPTIONAL` in `course_utils.catalog`.

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
        name: a key of `SHIPPED` in `course_utils.catalog`.

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
