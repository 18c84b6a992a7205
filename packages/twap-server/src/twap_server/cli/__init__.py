"""Define the command line of the server."""
