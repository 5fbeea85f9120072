"""Image sets on disk, whatever their format, the embedded pictures among them, and WordNet, which orders their classes.

In comes a directory of images; out go an index with one row per image (path, wnid, subset) and each image's bytes.
"""
