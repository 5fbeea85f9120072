"""The definition of a study: its checked configuration, and the grid of its networks, named in the paper's notation.

The input is a configuration, a mapping as read from YAML; the output is networks, training settings and paths. No file
is read.
"""
