"""Compose the program: the only place that knows every part. ``compose`` builds, ``serving`` runs."""

from twap_server.bootstrap.chosen import choose
from twap_server.bootstrap.compose import Running, running
from twap_server.bootstrap.demo import serve_demo, serve_venue
from twap_server.bootstrap.measuring import measure_refill
from twap_server.bootstrap.node import running_node
from twap_server.bootstrap.outside import Outside
from twap_server.bootstrap.recording_commands import cut_recordings, export_recordings
from twap_server.bootstrap.replay_command import rejected, replay_command
from twap_server.bootstrap.replay_run import Replayed
from twap_server.bootstrap.replaying import replay
from twap_server.bootstrap.serving import list_nodes, serve, serve_node, tell_service_links
from twap_server.bootstrap.theatre import in_theatre, serve_theatre
from twap_server.recordings.frames import Recording

__all__ = [
    "Outside",
    "Recording",
    "Replayed",
    "Running",
    "choose",
    "cut_recordings",
    "export_recordings",
    "in_theatre",
    "list_nodes",
    "measure_refill",
    "rejected",
    "replay",
    "replay_command",
    "running",
    "running_node",
    "serve",
    "serve_demo",
    "serve_node",
    "serve_theatre",
    "serve_venue",
    "tell_service_links",
]
