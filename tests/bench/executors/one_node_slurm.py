"""A Slurm of one node on this machine, from Debian's packages, in a folder of its own: the system's stays untouched.

It has no accounting and no control groups, so it runs in a container. Its daemons listen on ports that were free.
By hand: python one_node_slurm.py FOLDER starts it and says what to export; Ctrl-C ends it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
CONFIGURATION = """
ClusterName=bench
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
NodeName={host} CPUs={cores} RealMemory=2000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def lacking() -> str | None:
    """Why there can be no Slurm here; None where there can."""
    missing = [program for program in PROGRAMS if which(program) is None]
    if missing:
        return f"Slurm is not installed here: no {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)"
    return None if os.geteuid() == 0 else "a Slurm of our own is started as root only"


def which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def one_node(folder: Path, *, cores: int = 4) -> Iterator[str]:
    """Slurm in an empty folder for the block; the value for SLURM_CONF. cores: the node's, whatever the machine has."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    conf = folder / "slurm.conf"
    conf.write_text(CONFIGURATION.format(folder=folder, host=socket.gethostname(), ports=free_ports(2), cores=cores))
    paths = {name: f"--{name}-file={folder}/munge.{name}" for name in ("key", "seed")}
    munge = [f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log"]
    try:
        start("munged", "--force", *paths.values(), *munge)
        start("slurmctld", "-f", str(conf))
        start("slurmd", "-f", str(conf))
        ask = [which("sinfo"), "--noheader", "--format=%T"]
        deadline = time.monotonic() + 20
        while "idle" not in (said := run(ask, conf)):
            assert time.monotonic() < deadline, f"no node within 20 s: {said!r}, {(folder / 'slurmd.log').read_text()}"
            time.sleep(0.1)
        yield str(conf)
    finally:
        run([which("scancel"), "--state=PENDING", "--state=RUNNING", f"--user={os.getuid()}"], conf)
        for name in ("slurmd", "slurmctld", "munged"):
            end(folder / f"{name}.pid")


def start(program: str, *arguments: str) -> None:
    """A daemon, which puts itself into the background."""
    subprocess.run([str(which(program)), *arguments], check=True, capture_output=True, timeout=20)


def run(command: list[str | None], conf: Path) -> str:
    """What one of Slurm's programs says."""
    environment = {**os.environ, "SLURM_CONF": str(conf)}
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment, timeout=20)
    return ran.stdout + ran.stderr


def end(pid_file: Path) -> None:
    """End a daemon and wait until it is gone."""
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


if __name__ == "__main__":
    with one_node(Path(sys.argv[1])) as value:
        print(f"export SLURM_CONF={value}")
        signal.pause()
