"""Everything README and docs say, run or compared with the code."""
