"""Models: turn texts and images into unit vectors. Independent of the database and of Django."""

import os

# Make waiting OpenMP threads sleep instead of spin. Two processes that encoded on the same two
# cores got 8 pictures per second each, and 27 with this setting; a single process is not affected.
# OpenMP reads the variable when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
