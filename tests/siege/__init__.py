"""A siege: attackers, victims and weather against a real server on this machine, measured from outside.

``scripts/attack.py`` runs each attack alone and says whether it was held, ``scripts/soak.py`` all of it at a
low rate for long and says what grows. See ``docs/security.md``.
"""
