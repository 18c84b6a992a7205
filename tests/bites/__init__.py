"""Proof that the tests bite: guards that are removed one at a time, and the tests that must go red."""
