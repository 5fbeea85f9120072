"""Networks as ordered lists of named layers, so that "the first n layers" is a slice.

In come an architecture's name, a seed and perhaps weights to copy; out goes a network of torch, ready to be trained.
"""
