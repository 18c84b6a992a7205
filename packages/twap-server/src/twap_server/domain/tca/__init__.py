"""Analyse transaction costs: the execution report of one order (contract section 6)."""
