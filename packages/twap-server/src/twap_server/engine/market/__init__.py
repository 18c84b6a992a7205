"""Read the books for the engine: snapshots, eligibility, samples."""
