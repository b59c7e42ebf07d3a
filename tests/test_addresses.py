import pytest
from small_course import ADA

from course_utils.addresses import Repository


@pytest.mark.parametrize(
    "text",
    [
        "ada/pixels",
        " ada/pixels\n",
        "ada/pixels.git",
        "https://github.com/ada/pixels",
        "https://github.com/ada/pixels/",
        "https://github.com/ada/pixels.git",
        "http://www.github.com/ada/pixels",
        "github.com/ada/pixels",
        "git@github.com:ada/pixels.git",
        "ssh://git@github.com/ada/pixels.git",
    ],
)
def test_repository_is_read_however_it_is_written(text: str):
    assert Repository.parse(text) == ADA


@pytest.mark.parametrize("text", ["a/b", "A-1/.x_Y-z", "1/-", f"{'a' * 39}/{'b' * 100}", "a_b/c"])
def test_names_at_the_edge_of_what_github_allows(text: str):
    assert Repository.parse(text) == Repository(*text.split("/"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada/",
        "/pixels",
        "ada/pixels/tree/main",
        "ada pixels",
        "-ada/pixels",
        "ada-/pixels",
        "a--da/pixels",
        "a.da/pixels",
        "ädä/pixels",
        "ada/pix els",
        "ada/pixéls",
        "ada/..",
        'ada/pixels"',
        f"{'a' * 40}/pixels",
        f"ada/{'b' * 101}",
        "https://gitlab.com/ada/pixels",
        "git@gitlab.com:ada/pixels.git",
        "https://github.com/ada",
    ],
)
def test_what_is_no_repository_is_answered_with_an_example(text: str):
    with pytest.raises(ValueError, match="is no repository on GitHub: write --repo OWNER/NAME"):
        Repository.parse(text)


def test_placeholder_is_no_owner():
    with pytest.raises(ValueError, match="OWNER stands for your name on GitHub"):
        Repository.parse("https://github.com/OWNER/convolution-course")


@pytest.mark.parametrize(
    "branch", ["", "a b", "a/b", "-x", "a..b", "a.", "a.lock", "a)", 'a"', "ä", "a\n"]
)
def test_branch_that_no_link_can_name_is_refused(branch: str):
    with pytest.raises(ValueError, match="A link to Colab cannot name the branch"):
        Repository.parse("ada/pixels", branch)
