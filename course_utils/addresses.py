"""Addresses on GitHub: told from each other, and linked to from Google Colab."""

import re
from dataclasses import dataclass

PLACEHOLDER = "OWNER"  # the owner of a course that nobody has published
MAIN = "main"
COLAB = "https://colab.research.google.com"
BADGE_IMAGE = f"{COLAB}/assets/colab-badge.svg"

# One of GitHub's addresses: on the web, of a clone, of a raw file, or within a link to Colab.
# `own` is there where the address can only be the course's: its line says so.
ADDRESS = re.compile(
    r"(?P<own>COURSE = \"git\+https://|Repository\s*=\s*\"https://"
    r"|\[!\[Open in Colab\]\([^)]*\)\]\(https://colab\.research\.google\.com/)?"
    r"(?P<host>github(?:\.com|usercontent\.com)?[/:])"
    r"(?P<owner>[\w-]+)/(?P<name>[\w.-]*?[\w-])(?P<rest>(?:\.git)?(?![\w-]|\.+[\w-]))",
    re.ASCII,
)
BADGE = re.compile(
    r"\[!\[Open in Colab\]\([^)]*\)\]\(https://colab\.research\.google\.com/github/"
    r"[^)/]*/[^)/]*/blob/[^)/]*/(?P<file>[^)]*)\)"
)


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub and the branch of it that learners are to open."""

    owner: str
    name: str
    branch: str = MAIN

    @classmethod
    def parse(cls, text: str, branch: str = MAIN) -> "Repository":
        """The repository that `text` names as OWNER/NAME, or as an address to open or to clone.

        Raises:
            ValueError: GitHub has no repository or branch of that name; a sentence for the user.
        """
        found = re.fullmatch(
            r"(?:(?:https?://)?(?:www\.)?github\.com/|(?:ssh://)?git@github\.com[:/])?"
            r"(?=[^/]{1,39}/)(?P<owner>[a-z0-9]+(?:[-_][a-z0-9]+)*)"
            r"/(?P<name>[\w.-]{0,99}?[\w-])(?:\.git)?/?",
            text.strip(),
            re.ASCII | re.IGNORECASE,
        )
        if not found:
            raise ValueError(
                f"{text!r} is no repository on GitHub: write --repo OWNER/NAME, "
                "for example --repo ada/convolution-course."
            )
        if found["owner"] == PLACEHOLDER:
            raise ValueError(
                f"{PLACEHOLDER} stands for your name on GitHub: write it instead, "
                f"for example --repo ada/{found['name']}."
            )
        if not re.fullmatch(r"\w[\w.-]*", branch, re.ASCII) or re.search(
            r"\.\.|\.$|\.lock$", branch
        ):
            raise ValueError(
                f"A link to Colab cannot name the branch {branch!r}: use one whose name has only "
                "letters, digits, hyphens, dots and underscores."
            )
        return cls(found["owner"], found["name"], branch)

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def address(self) -> str:
        """Where a browser, git and pip find it."""
        return f"https://github.com/{self}"

    @property
    def is_published(self) -> bool:
        """Whether somebody has put their name for the placeholder."""
        return self.owner != PLACEHOLDER

    def badge(self, file: str) -> str:
        """The Markdown of a button that opens `file`, a path within the repository, in Colab."""
        link = f"{COLAB}/github/{self}/blob/{self.branch}/{file}"
        return f"[![Open in Colab]({BADGE_IMAGE})]({link})"
