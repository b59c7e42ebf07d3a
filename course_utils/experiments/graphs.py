"""Chapter 5: what edges are worth, to pixels, papers and meshes; each run is in its own module."""

from course_utils.experiments import citation_runs, mesh_runs, pixel_runs, seeds_of
from course_utils.results import Measurements

MODULES = (pixel_runs, citation_runs, mesh_runs)
RUNS = {name: module for module in MODULES for name in module.RUNS}


def seeds(name: str) -> range:
    """The seeds of the runs `name`."""
    return seeds_of(RUNS[name], name)


def run(name: str, seed: int) -> Measurements:
    """One of `RUNS` with `seed`, as its module's `run` says."""
    return RUNS[name].run(name, seed)
