"""Other people's tools, unmodified, against the simulated tenant: `make compat`."""
