"""Accuracies in tidy tables, with the same columns for this study and for the paper.

Input: accuracy and provenance files. Output: tables with one row per network, or per network and class.
"""
