"""The dashboard: a page that browsers load from this server, and the route that serves its files."""
