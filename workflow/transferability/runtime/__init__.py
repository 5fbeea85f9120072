"""What keeps jobs alive and their results true: the machinery around the training of a network.

Checksums of code, marks of what is there, finished networks, checkpoints, locks, devices, deadlines, the fork server,
and what the workflow does before, between and after jobs. The science imports none of it.
"""
