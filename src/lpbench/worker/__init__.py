"""The measured process and its wire: ``lpbench.worker.__main__`` opens an app and times it."""
