"""A process that speaks with no exchange: it does what its first argument says."""

import sys
import time


def main() -> None:
    """Serve until the standard input ends, or fail in the way that is asked for."""
    how = sys.argv[1]
    if how == "fails":
        print("no extra", flush=True)
        sys.stdin.read()
    elif how == "garbage":
        print("\x00 nonsense", flush=True)
        sys.stdin.read()
    elif how == "dies":
        print("Traceback", "KeyError: 'price'", sep="\n", file=sys.stderr, flush=True)
        sys.exit(3)
    elif how == "stays":
        print("ready", flush=True)
        time.sleep(3600)
    else:
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
