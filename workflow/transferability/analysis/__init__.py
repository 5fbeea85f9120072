"""What the accuracies of a study amount to: effects with intervals, the paper's tables and claims by rules, advice.

In come tables of accuracies and first-layer kernels; out go tables of differences, intervals and verdicts.
"""
