"""The protocols that the simulated exchanges speak: a module or a folder each."""
