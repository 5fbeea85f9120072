"""Training one network, from pixels to a curve of tests; every run gives the same bits.

Input: a built network, a task and settings. Output: trained weights and accuracies. No file is read or written.
"""
