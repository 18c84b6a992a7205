"""``hatch run simulate --seeds N --hours H``: the whole server under virtual time. See docs/simulation.md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
