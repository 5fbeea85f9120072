"""The store: every image of a set decoded once, in one array that all splits share.

In come an index and the images that it lists; out go rows of pixels, each compared with its checksum.
"""
