"""The figures, one module each, and the style that they share.

In come tables of accuracies; out go figures of matplotlib, saved with the same bytes in every run.
"""
