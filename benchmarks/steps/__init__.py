"""Training steps of eight networks, timed beside an expert's and the frameworks'.

`python -m benchmarks.steps --help` says how; `workloads` says which networks, `experts/` holds the
steps written by hand, `rounds` how the times are taken and `checking` what is compared before.
"""
