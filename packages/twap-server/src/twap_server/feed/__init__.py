"""Tells: in-process publish/subscribe between the stages that know something and the clients that want it."""
