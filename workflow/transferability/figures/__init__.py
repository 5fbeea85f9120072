"""The figures, one module each, and the style that they share.

Input: tables of accuracies. Output: matplotlib figures, saved with the same bytes in every run.
"""
