"""The measured process and its wire: ``python -m lpbench.worker`` opens an app and times it."""
