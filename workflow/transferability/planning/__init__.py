"""Before GPU-weeks are spent: whether everything is in order (preflight), and what the study takes (plan).

In come a configuration, images and a device; out go pages that say what is wrong, and how long the rest will take.
"""
