"""The race of replays: one recording, the same TWAP orders, several engines, each in a process of its own."""
