"""Training one network, from pixels to a curve of tests, the same bits in every run.

In come a built network, a task and settings; out go trained weights and accuracies. No file is read or written.
"""
