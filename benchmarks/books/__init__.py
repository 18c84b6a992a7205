"""The race of order books: one stream of raw text, several contenders, each in a process of its own."""
