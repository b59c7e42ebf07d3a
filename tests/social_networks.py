"""Explorers of the karate club and of a network of four members."""

import torch

from course_utils.explorers.social import KARATE_POSITIONS, SocialNetworkExplorer
from course_utils.graph_data import FACTIONS, karate_club
from course_utils.graphs import undirected

CLUB = karate_club()


def karate_explorer() -> SocialNetworkExplorer:
    return SocialNetworkExplorer(CLUB.edge_index, CLUB.y, FACTIONS, KARATE_POSITIONS)


def tiny(known: tuple[int, int] = (0, 3)) -> SocialNetworkExplorer:
    """Four members in a row, two on each side."""
    edges = undirected([(0, 1), (1, 2), (2, 3)], 4)
    return SocialNetworkExplorer(edges, torch.tensor([0, 0, 1, 1]), ("left", "right"), known=known)
