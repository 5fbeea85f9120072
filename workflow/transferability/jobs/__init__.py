"""One network as one job: everything between the files that a rule names and a trainer.

In come a recipe and files (index, store, manifest, base weights); out go weights, an accuracy and a provenance file.
"""
