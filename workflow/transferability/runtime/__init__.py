"""The machinery around the training of a network, which keeps jobs running and their results correct.

Checksums of code, marks of existing results, finished networks, checkpoints, locks, devices, deadlines, the fork
server, and what the workflow does before, between and after jobs. The scientific code imports none of it.
"""
