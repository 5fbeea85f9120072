"""Utilities for all other packages: errors, atomic files, checksums, seeds, checksummed tables, pages, worker pools.

This package imports no other package of the library and knows nothing about studies, images or networks.
"""
