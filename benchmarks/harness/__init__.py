"""What all benchmarks share: repeated measurements, targets, the machine, tables in Markdown and JSON."""
