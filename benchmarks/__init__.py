"""What Portcullis costs, measured: `python -m benchmarks`.

Azure is the simulated tenant over TLS in a process of its own, so that only our side's work
counts. What is a process is measured in fresh ones; every figure is the median of several runs
after one that is thrown away.
"""
