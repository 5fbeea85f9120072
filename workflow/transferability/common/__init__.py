"""What every other package may use: errors, atomic files, checksums, seeds, checksummed tables, pages, worker pools.

Nothing of the library comes in; what goes out knows nothing of studies, images or networks.
"""
