"""Train a network, from scratch (base, random, reduced) or with first layers copied from a base network."""

import sys

from transferability.runtime.fork_server import run

if __name__ == "__main__":
    order = {"log": snakemake.log[0], "config": snakemake.config, "code": snakemake.params.code}
    order |= {"threads": snakemake.threads, "runtime": snakemake.resources.runtime}
    sys.exit(run(order | {key: snakemake.wildcards[key] for key in ("split", "network")}))
