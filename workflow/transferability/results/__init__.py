"""Accuracies in tidy tables, this study's and the paper's in the same columns.

In come accuracy and provenance files; out go tables with one row per network, or per network and class.
"""
