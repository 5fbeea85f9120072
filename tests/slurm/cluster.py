"""A real Slurm of one node, for tests: munged, slurmctld and slurmd as root, without systemd, with stand-in GPUs.

By hand: python -m tests.slurm.cluster DIRECTORY starts one and ends it on Ctrl-C.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CPUS, GPUS, MEMORY_MB = 8, 2, 8000
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
ETC = Path("/etc/slurm")  # a job step loses every SLURM_* variable, so Slurm has to find its files here

SLURM_CONF = """
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={directory}/munge/socket
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd.log
ProctrackType={proctrack}
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SwitchType=switch/none
ReturnToService=2
# Offer more CPUs than the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={directory}/jobs.log
# squeue still shows a job that is over when snakemake asks.
MinJobAge=3600
# Of a job that is cancelled the processes go on for so many seconds; 30 where nobody sets it.
KillWait=5
OverTimeLimit=0
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={node} Default=YES DefaultTime=00:10:00 MaxTime=1-00:00:00 DefMemPerCPU=256 State=UP
"""
CGROUP_CONF = """
CgroupMountpoint=/sys/fs/cgroup
CgroupAutomount=yes
ConstrainCores=no
ConstrainRAMSpace=no
ConstrainDevices=no
"""


def why_not() -> str | None:
    """Return what a Slurm of our own lacks here, or None if nothing."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"Slurm is not installed ({', '.join(missing)} missing; Debian: slurm-wlm, munge)"
    if os.getuid() != 0:
        return "a Slurm of our own needs root"
    return "there is a Slurm already (/etc/slurm/slurm.conf)" if (ETC / "slurm.conf").exists() else None


@contextmanager
def slurm_cluster(directory: Path) -> Iterator[Path]:
    """Start a Slurm with its files in `directory`, yield the log of its finished jobs, and end it with all its jobs."""
    node = socket.gethostname().split(".")[0]
    if subprocess.run(["getent", "hosts", node], capture_output=True).returncode:
        with Path("/etc/hosts").open("a", encoding="utf-8") as hosts:
            hosts.write(f"127.0.0.1 {node}\n")
    links = _write_configuration(directory, node)
    try:
        _start(directory, node)
        yield directory / "jobs.log"
    finally:
        _stop(directory)
        for link in links:
            link.unlink(missing_ok=True)


def _write_configuration(directory: Path, node: str) -> list[Path]:
    for part in ("state", "spool", "munge", "devices"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    values = {"node": node, "directory": directory, "cpus": CPUS, "gpus": GPUS, "memory": MEMORY_MB}
    values["proctrack"] = "proctrack/cgroup" if os.access("/sys/fs/cgroup", os.W_OK) else "proctrack/linuxproc"
    for number in range(GPUS):  # Slurm only looks whether the device file is there: a copy of /dev/null will do
        os.mknod(directory / "devices" / f"gpu{number}", 0o666 | 0o020000, os.makedev(1, 3))
    files = {
        "slurm.conf": SLURM_CONF.format(**values),
        "cgroup.conf": CGROUP_CONF,
        "gres.conf": f"Name=gpu File={directory}/devices/gpu[0-{GPUS - 1}]\n",
    }
    ETC.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / name).write_text(content)
        (ETC / name).unlink(missing_ok=True)  # left by a cluster that was killed
        (ETC / name).symlink_to(directory / name)
    return [ETC / name for name in files]


def _start(directory: Path, node: str) -> None:
    munge = directory / "munge"
    munge.chmod(0o711)
    key = munge / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    files = {"key-file": key, "socket": munge / "socket", "pid-file": directory / "munged.pid"}
    files |= {"log-file": munge / "log", "seed-file": munge / "seed"}
    subprocess.run(["munged", "--force", *(f"--{name}={path}" for name, path in files.items())], check=True)
    subprocess.run(["slurmctld", "-c"], check=True)
    subprocess.run(["slurmd", "-N", node], check=True)
    deadline = time.monotonic() + 30
    while _ask("sinfo", "-h", "-o", "%T") != "idle":
        if time.monotonic() > deadline:
            logs = "\n".join(log.read_text()[-2000:] for log in directory.glob("*.log"))
            raise RuntimeError(f"Slurm did not come up:\n{logs}")
        time.sleep(0.2)


def _stop(directory: Path) -> None:
    _ask("scancel", "--state=PENDING,RUNNING", "-u", "root")
    deadline = time.monotonic() + 40
    while _ask("squeue", "-h", "--states=PENDING,RUNNING,COMPLETING") and time.monotonic() < deadline:
        time.sleep(0.2)
    for name in ("slurmd.pid", "slurmctld.pid", "munged.pid"):
        file = directory / name
        if file.exists() and file.read_text().strip():
            _end(int(file.read_text()))


def _end(process: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(100):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                return
            time.sleep(0.1)


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except subprocess.TimeoutExpired:
        return ""


if __name__ == "__main__":
    with slurm_cluster(Path(sys.argv[1]).resolve()):
        print("Slurm runs; Ctrl-C ends it")
        signal.sigwait([signal.SIGINT, signal.SIGTERM])
