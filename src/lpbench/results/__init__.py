"""What a benchmark found and what it means: values, documents, statistics, verdicts."""
