"""Transaction cost analysis: the execution report of one order (contract section 6)."""
