"""Deploy and benchmark AI applications on heterogeneous hardware, and know how sure the number is."""
