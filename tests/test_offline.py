"""The path that keeps the notebooks' kernels off the network: it lets nothing through."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OFFLINE = Path(__file__).with_name("offline")
ATTEMPTS = {
    "urllib": "from urllib.request import urlopen; urlopen('http://example.org/', timeout=1)",
    "by number": "import socket; socket.create_connection(('203.0.113.1', 80), timeout=1)",
    "a lookup": "import socket; socket.getaddrinfo('example.org', 80)",
    "a datagram": "import socket as s; s.socket(type=s.SOCK_DGRAM).sendto(b'', ('203.0.113.1', 9))",
    "apt-get": "import subprocess; subprocess.run(['apt-get', '--version'])",
    "pip": "import os, subprocess; subprocess.run('pip --version', shell=False)",
    "swallowed": "import socket\ntry: socket.gethostbyname('example.org')\nexcept OSError: pass",
    "a child": "import subprocess, sys; subprocess.run([sys.executable, '-c', "
    "\"import socket; socket.gethostbyname('example.org')\"], check=True)",
}


def run(code: str, log: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(OFFLINE), "COURSE_OFFLINE_LOG": str(log)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_who_leaves_is_refused_and_noted(attempt: str, tmp_path: Path):
    result = run(ATTEMPTS[attempt], tmp_path / "log")
    assert "was refused" in result.stderr or attempt == "swallowed"
    assert (tmp_path / "log").read_text()


def test_who_stays_is_let_alone(server, tmp_path: Path):
    code = f"""
import socket, subprocess, sys
from urllib.request import urlopen
socket.getaddrinfo('localhost', 80), socket.gethostbyname(socket.gethostname())
try: urlopen({server.address!r} + 'small.gz').read()
except OSError as error: assert 'refused' not in str(error), error
subprocess.run([sys.executable, '-c', ''], check=True)
"""
    result = run(code, tmp_path / "log")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (tmp_path / "log").exists()
