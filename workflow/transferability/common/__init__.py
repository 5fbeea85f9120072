"""What every other package may use: errors, atomic files, checksums, seeds, checksummed tables, pages, worker pools.

It imports no other package of the library, and knows nothing of studies, images or networks.
"""
