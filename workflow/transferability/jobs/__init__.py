"""One network as one job: its recipe and mark, and everything between files and a trainer.

The input is a recipe and files (index, store, manifest, base weights); the output is tensors, an accuracy record and
provenance.
"""
