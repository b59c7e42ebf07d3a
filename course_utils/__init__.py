"""Plumbing for the convolution course; each notebook names the module it imports from."""

import os

# torch's OpenMP threads spin while they wait: one other busy process on the machine makes
# training about eight times slower. They read this variable once, when torch is first imported,
# so this package must be imported before torch. A value that the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
