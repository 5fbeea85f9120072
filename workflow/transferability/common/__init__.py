"""What every other package may use: errors, atomic files, checksums, seeds, logs, checksummed tables, pages, processes.

Nothing of the library comes in; what goes out knows nothing of studies, images or networks.
"""
