"""No module calls what runs code that a file holds, or unpacks an archive as it wishes."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "course_utils"
NEVER = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads"),
    *("shelve.open", "joblib.load", "pandas.read_pickle", "torch.jit.load", "torch.hub.load"),
    *("shutil.unpack_archive", "tempfile.mktemp", "yaml.load"),
    *("urllib.request.urlretrieve", "torch.hub.load_state_dict_from_url"),
}
NEVER_A_METHOD = {"extractall", "urlretrieve", "unpack_archive"}
ONLY_WITH = {"torch.load": ("weights_only", True), "numpy.load": ("allow_pickle", False)}
ONLY_IN = {"torch_geometric.io.read_planetoid_data": "graph_data.py"}  # after the checksum


def dangers(code: str, file: str = "") -> list[str]:
    """What a module names that can run or unpack what a file holds, with the lines."""
    tree = ast.parse(code)
    full = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            full |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}

    def dotted(node: ast.AST) -> str:
        if isinstance(node, ast.Attribute):
            return f"{dotted(node.value)}.{node.attr}"
        return full.get(node.id, node.id) if isinstance(node, ast.Name) else ""

    found, safe = [], set()
    for node in ast.walk(tree):  # a call comes before what it calls
        if isinstance(node, ast.Call):
            given = {word.arg: getattr(word.value, "value", ...) for word in node.keywords}
            key, value = ONLY_WITH.get(dotted(node.func), ("", None))
            if key and given.get(key, ...) is value:
                safe.add(node.func)
            if given.get("shell", False) is not False:
                found.append(f"{node.lineno}: shell")
        elif isinstance(node, ast.Name | ast.Attribute) and node not in safe:
            name = dotted(node)
            forbidden = name in NEVER or name in ONLY_WITH or ONLY_IN.get(name, file) != file
            if forbidden or ("." in name and name.rpartition(".")[2] in NEVER_A_METHOD):
                found.append(f"{node.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_opens_what_could_run_code(path: Path) -> None:
    assert dangers(path.read_text("utf-8"), path.name) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle\npickle.load(f)",
        "from pickle import loads as read\nread(b)",
        "import torch\ntorch.load(f)",
        "import torch as t\nt.load(f, weights_only=False)",
        "from functools import partial\nimport torch\npartial(torch.load, f)",
        "from torch import load\nload(f, weights_only=safe)",
        "import numpy as np\nnp.load(f)",
        "import numpy as np\nnp.load(f, allow_pickle=True)",
        "archive.extractall(folder)",
        "import tarfile\ntarfile.open(f).extractall()",
        "import shutil\nshutil.unpack_archive(f)",
        "eval(text)",
        "exec(text)",
        "run = eval",
        "import os\nos.system(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "from urllib.request import urlretrieve\nurlretrieve(a, f)",
        "from torch_geometric.io import read_planetoid_data\nread_planetoid_data(f, 'cora')",
    ],
)
def test_the_rule_finds_each_danger(code: str) -> None:
    assert dangers(code, "module.py")


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.load(f, weights_only=True)",
        "import numpy as np\nnp.load(f, allow_pickle=False)",
        "network.eval()",
        "import re\nre.compile(text)",
        "import json\njson.load(f)",
        "import subprocess\nsubprocess.run([a], shell=False)",
    ],
)
def test_the_rule_lets_pass_what_is_safe(code: str) -> None:
    assert dangers(code) == []


# ---------------------------------------------------------------- who opens pictures


def modules_with(pattern: str) -> set[str]:
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(pattern, path.read_text("utf-8"))
    }


def test_every_module_that_takes_a_picture_is_known() -> None:
    """`test_hostile_pictures` and `test_hostile_folders` try each of them."""
    names = ("explained", "feature_maps", "gallery", "my_classes", "own_pictures", "windows")
    expected = {"pictures.py", "folders.py", "explorers/base.py", "explorers/uploads.py"}
    expected |= {f"explorers/{name}.py" for name in names}
    found = modules_with(r"\b(read_picture(_file)?|upload_button|take_uploads?|named_files)\b")
    assert found == expected


def test_a_learner_s_bytes_are_decoded_in_one_module_only() -> None:
    # The others open what ships with the course, or what the course has drawn.
    expected = {"pictures.py", "datasets.py", "figures.py", "explorers/base.py"}
    assert modules_with(r"Image\.open|imdecode|imread|decode_image|read_image") == expected
