"""The store: every image of a set decoded once, in one array that all splits share.

Input: an index and the images that it lists. Output: rows of pixels, each compared with its checksum.
"""
