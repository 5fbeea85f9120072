"""What a study is: its checked configuration, and the grid of its networks with their names in the paper's notation.

In comes a configuration, a mapping as YAML gives it; out go networks, training settings and paths. No file is read.
"""
