"""The results of a benchmark and their evaluation: values, documents, statistics, verdicts."""
