"""How transferable are the features of a network? The library behind the workflow; it knows nothing of Snakemake."""
