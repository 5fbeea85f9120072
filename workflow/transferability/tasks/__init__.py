"""Tasks: which classes make up the halves of a split, and which images of the store a network is trained and tested on.

Input: an index, WordNet and a store. Output: split manifests, and a task's examples (rows of the store, labels).
"""
