"""Plumbing for the convolution course; each notebook names the module it imports from."""

import os
import warnings

# torch's OpenMP threads spin while they wait: one other busy process on the machine makes
# training about eight times slower. They read this variable once, when torch is first imported,
# so this package must be imported before torch. A value that the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# PyTorch Geometric scripts two of its classes when it is imported: nothing a learner could mend.
warnings.filterwarnings("ignore", r"`torch\.jit\.script` is deprecated", FutureWarning)
