"""The scripted exchanges: a true market each, told over the exchanges' own wire protocols."""
