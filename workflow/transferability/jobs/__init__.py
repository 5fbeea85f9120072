"""One network as one job: its recipe and mark, and everything between files and a trainer.

In come a recipe and files (index, store, manifest, base weights); out go tensors, an accuracy record and provenance.
"""
