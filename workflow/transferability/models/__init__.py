"""Networks as ordered lists of named layers, so that "the first n layers" is a slice.

Input: an architecture's name, a seed and optionally weights to copy. Output: a torch network, ready to be trained.
"""
