"""Explorers: a picture that follows a few controls, and a sentence about it."""
