"""Analyses of a study's accuracies: effects with intervals, the paper's tables, its claims decided by rules, advice.

Input: tables of accuracies and first-layer kernels. Output: tables of differences, intervals and verdicts.
"""
