"""Image sets on disk in all supported formats, the built-in set of pictures, and the WordNet graph of their classes.

Input: a directory of images. Output: an index with one row per image (path, wnid, subset), and each image's bytes.
"""
