"""Run the command line as ``python -m twap_server``."""

from twap_server.cli.main import main

if __name__ == "__main__":
    main()
