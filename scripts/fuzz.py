"""``hatch run fuzz --minutes M``: odd inputs to every parser of the wire. See docs/security.md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
