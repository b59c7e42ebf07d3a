"""Friendships made and ended in the explorer of a social network."""

import networkx
import pytest
from pixels import words_drawn
from social_networks import karate_explorer, tiny

from course_utils.explorers import social
from course_utils.explorers.social import SocialNetworkExplorer


@pytest.fixture
def explorer() -> SocialNetworkExplorer:
    return karate_explorer()


# ---------------------------------------------------------------- edits


def test_the_box_follows_the_pair(explorer: SocialNetworkExplorer) -> None:
    graph = networkx.karate_club_graph()
    for member in (8, 33):
        explorer.controls["member"].value = member
        for other in (0, 8, 16, 32, 33):
            explorer.controls["other"].value = other
            friends = explorer.controls["friends"]
            assert friends.value == graph.has_edge(member, other)
            assert friends.disabled == (member == other)
            assert explorer.error is None


def test_edits_are_kept_until_they_are_undone() -> None:
    explorer = tiny()
    controls = explorer.controls
    explorer.choose(member=0, other=1)
    first = explorer.picture_png
    assert controls["restore"].value
    assert controls["restore"].disabled

    controls["friends"].value = False
    edited = explorer.picture_png
    assert edited != first
    assert not controls["restore"].value
    assert not controls["restore"].disabled

    controls["member"].value = 3
    assert not controls["friends"].value
    controls["friends"].value = True
    assert explorer.status.endswith("friendships: 1 added, 1 removed.")
    explorer.choose(member=1, other=0)  # the other way round, it is the same pair
    assert not controls["friends"].value
    explorer.choose(layers=3, first=1)
    assert explorer.status.endswith("friendships: 1 added, 1 removed.")

    explorer.choose(layers=2, first=0, member=3, other=1)
    controls["friends"].value = False
    explorer.choose(member=0)
    assert explorer.picture_png == edited
    controls["friends"].value = True
    assert explorer.picture_png == first
    assert controls["restore"].value
    assert controls["restore"].disabled


def test_the_original_can_be_looked_at_and_left_again() -> None:
    explorer = tiny()
    restore, friends = explorer.controls["restore"], explorer.controls["friends"]
    explorer.choose(member=0, other=3)
    first = explorer.picture_png
    friends.value = True
    edited = explorer.picture_png
    restore.value = True
    assert explorer.picture_png == first
    assert not friends.value
    assert not restore.disabled
    restore.value = False
    assert explorer.picture_png == edited
    assert friends.value
    # An edit of the original begins anew.
    restore.value = True
    explorer.choose(other=1)
    friends.value = False
    assert explorer.status.endswith("friendships: 0 added, 1 removed.")


def test_without_an_edit_the_original_stays() -> None:
    explorer = tiny()
    first = explorer.picture_png
    explorer.controls["restore"].value = False
    assert explorer.controls["restore"].value
    assert explorer.picture_png == first


@pytest.mark.parametrize(
    ("name", "value"),
    [("first", 1), ("second", 32), ("member", 9), ("other", 32), ("friends", False), ("layers", 3)],
)
def test_there_and_back_gives_the_same_picture(
    explorer: SocialNetworkExplorer, name: str, value: object
) -> None:
    control, first = explorer.controls[name], explorer.picture_png
    before = control.value
    control.value = value
    assert explorer.error is None
    assert explorer.picture_png != first
    control.value = before
    assert explorer.picture_png == first


def test_a_network_is_trained_once_for_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = []
    fit = social.fit_nodes
    monkeypatch.setattr(social, "fit_nodes", lambda *a, **k: (trainings.append(1), fit(*a, **k)))
    explorer = tiny()
    assert len(trainings) == 1
    explorer.choose(member=0, other=1)
    explorer.choose(member=2, other=2)
    assert len(trainings) == 1
    for _ in range(2):
        explorer.choose(layers=3)
        explorer.choose(layers=2)
    assert len(trainings) == 2


# ---------------------------------------------------------------- members without friends


def test_a_member_without_friends_is_told_by_chance(
    explorer: SocialNetworkExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.choose(member=11, other=0, friends=False)
    assert explorer.error is None
    assert (
        "by chance, since no path leads from there to a known member; friendships: 0 added, "
        "1 removed."
    ) in explorer.status
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert "? no path to a known one: 11" in words
    assert "0 friends" in words


def test_no_friendships_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = tiny()
    for member in range(3):
        explorer.choose(member=member, other=member + 1)
        explorer.controls["friends"].value = False
        assert explorer.error is None
    assert explorer.status.endswith("friendships: 0 added, 3 removed.")
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert "? no path to a known one: 1, 2" in words
    assert "0 friendships in all" in words
    explorer.controls["restore"].value = True
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert not any(line.startswith("? no path") for line in words)
    assert "3 friendships in all" in words
