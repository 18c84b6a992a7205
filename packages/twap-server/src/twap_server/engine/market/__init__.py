"""Read the books as the engine needs them: snapshots, eligibility, samples."""
