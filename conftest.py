"""Whichever tests run: cells are compared with their pictures, and run without a network."""

import pytest

pytest_plugins = ["notebook_gate"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this project's own."""
    parser.addoption(
        "--pictures", action="store_true", help="make the README's pictures (tests/test_browser.py)"
    )
    parser.addoption(
        "--other-pictures",
        action="store_true",
        help="let pictures of notebooks differ, as those of another Matplotlib do",
    )
