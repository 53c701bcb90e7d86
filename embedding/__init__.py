"""The model floor: turns texts and images into unit vectors. Knows no database and no Django."""

import os

# Threads of torch that wait for one another must not spin: two processes that encode on the same
# two cores got 8 pictures a second each, and now get 27. Alone, nothing changes. OpenMP reads this
# when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
