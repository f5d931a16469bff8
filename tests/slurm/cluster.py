"""A Slurm of one node on this machine: munged, slurmctld and slurmd on loopback, without systemd.

By hand, in a shell in which sbatch, squeue and scancel work; with accounting, sacct too:
    sudo python tests/slurm/cluster.py bash
    sudo python tests/slurm/cluster.py --accounting bash
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")  # the only place where a job's own commands look for it
START_SECONDS = 60
END_SECONDS = 5  # from being asked to end to being killed
# More CPUs than there are: a job of the tests mostly waits for Python to import.
SETTINGS = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort=46817
SlurmdPort=46818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/{storage}
AccountingStorageHost=127.0.0.1
AccountingStoragePort=46819
AccountingStoragePass={folder}/munge.socket
MinJobAge=300
KillWait=5
ReturnToService=2
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=04:00:00 State=UP
PartitionName=gpu Nodes={host} MaxTime=04:00:00 State=UP
"""
# slurmdbd's own file. Its database listens on a socket only.
ACCOUNTING = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort=46819
SlurmUser=root
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageUser=root
"""


def missing(accounting: bool = False) -> str | None:
    """Why no Slurm can be started here, in one line; None if one can."""
    programs = ["munged", "mungekey", "slurmctld", "slurmd", "sbatch"]
    programs += ["slurmdbd", "mariadbd"] if accounting else []
    absent = [name for name in programs if shutil.which(name, path=search_path()) is None]
    if absent:
        return (
            f"Slurm is not installed here (no {', '.join(absent)}): on Debian and Ubuntu,"
            f" apt-get install slurm-wlm munge{' slurmdbd mariadb-server' if accounting else ''}"
        )
    if os.geteuid() != 0:
        return "only root can start the little Slurm of the tests"
    if CONFIG.exists() or CONFIG.is_symlink():
        return f"{CONFIG} is there already: this machine has a Slurm, and it is left alone"
    return None


def search_path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


@contextmanager
def little_slurm(cpus: int = 4, accounting: bool = False) -> Iterator[Path]:
    """A running Slurm, with a partition ``cpu`` (the default) and one ``gpu``.

    Its folder, with the daemons' logs, is returned. When the block ends, every job is cancelled,
    what is left of it is ended, and every daemon is stopped, by its process id. Raises RuntimeError
    if the node does not come up, and, before anything is touched, for the reasons of ``missing``.
    """
    if reason := missing(accounting):
        raise RuntimeError(reason)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    folder = Path(tempfile.mkdtemp(prefix="little-slurm-", dir="/run"))
    folder.chmod(0o755)  # munge refuses a socket that not everyone can reach
    host = os.uname().nodename.split(".")[0]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    names = {"cluster": folder.name, "host": host, "folder": folder}
    names["storage"] = "slurmdbd" if accounting else "none"
    settings = SETTINGS.format(**names, cpus=cpus, memory=max(memory, 16000))
    (folder / "slurm.conf").write_text(settings)
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")  # a GPU by name only
    links = [CONFIG, CONFIG.with_name("gres.conf")]
    daemons: list[subprocess.Popen] = []
    try:
        CONFIG.parent.mkdir(parents=True, exist_ok=True)
        for link in links:
            link.symlink_to(folder / link.name)
        key = folder / "munge.key"
        subprocess.run(["mungekey", "--create", f"--keyfile={key}"], check=True, env=environment())
        munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "seed")]
        munge += [f"--log-file={folder}/munged.log", f"--socket={folder}/munge.socket"]
        daemons.append(_start(folder, "munged", "--foreground", *munge))
        _wait(folder, (folder / "munge.socket").exists, "munged")
        if accounting:
            _start_accounting(folder, host, daemons)
        daemons.append(_start(folder, "slurmctld", "-D"))
        daemons.append(_start(folder, "slurmd", "-D", "-N", host))
        _wait(folder, lambda: "idle" in ask("sinfo", "--noheader", "--format=%t"), "the node")
        yield folder
    finally:
        if daemons:  # else the configuration is not this cluster's: another was faster
            _cancel_jobs()
            _end_left_over(folder.name)
        for daemon in reversed(daemons):
            _stop(daemon)
        for link in links:
            if link.is_symlink() and link.readlink() == folder / link.name:
                link.unlink()
        shutil.rmtree(folder)


def _start_accounting(folder: Path, host: str, daemons: list[subprocess.Popen]) -> None:
    """A database on a socket, slurmdbd before it, and the cluster's name in its books."""
    (folder / "slurmdbd.conf").write_text(ACCOUNTING.format(host=host, folder=folder))
    (folder / "slurmdbd.conf").chmod(0o600)  # or slurmdbd refuses it
    data, socket = folder / "database", folder / "database.socket"
    own = ["--no-defaults", "--user=root", f"--datadir={data}"]
    login = "--auth-root-authentication-method=normal"
    subprocess.run(["mariadb-install-db", *own, login], check=True, stdout=subprocess.DEVNULL)
    server = ["mariadbd", *own, "--skip-networking", f"--socket={socket}"]
    daemons.append(_start(folder, *server))
    _wait(folder, socket.exists, "mariadbd")
    found = {"SLURM_CONF": str(folder / "slurm.conf"), "MYSQL_UNIX_PORT": str(socket)}
    daemons.append(_start(folder, "slurmdbd", "-D", **found))
    name = ("sacctmgr", "--immediate", "add", "cluster", folder.name)
    _wait(folder, lambda: folder.name in ask(*name), "slurmdbd")


def _cancel_jobs() -> None:
    """End all jobs, if Slurm came up: without its daemons nobody would end them any more."""
    ask("scancel", "--user=root")
    deadline = time.monotonic() + START_SECONDS
    while ask("squeue", "--noheader") and time.monotonic() < deadline:
        time.sleep(0.2)


def _end_left_over(cluster: str) -> None:
    """End what outlived its job.

    proctrack/linuxproc knows the processes of a job by their parents, and so misses one whose
    parent ended first.
    """
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for process in _processes_of(cluster):
            with suppress(ProcessLookupError):
                os.kill(process, sent)
        deadline = time.monotonic() + END_SECONDS
        while _processes_of(cluster) and time.monotonic() < deadline:
            time.sleep(0.2)


def _processes_of(cluster: str) -> list[int]:
    """Processes that jobs of this cluster started: Slurm writes its name into their environment.

    The name is that of the cluster's own folder: no other cluster has it, nor had one before.
    """
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended meanwhile
            if f"SLURM_CLUSTER_NAME={cluster}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def ask(*command: str) -> str:
    """What a Slurm command prints."""
    result = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    return result.stdout.strip()


def environment() -> dict[str, str]:
    return os.environ | {"PATH": search_path()}


def _start(folder: Path, *command: str, **variables: str) -> subprocess.Popen:
    with open(folder / f"{command[0]}.out", "w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment() | variables)


def _stop(daemon: subprocess.Popen) -> None:
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(timeout=20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _wait(folder: Path, ready, what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            logs = "".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.out")))
            raise RuntimeError(f"waited {START_SECONDS} s in vain for {what}:\n{logs}")
        time.sleep(0.2)


if __name__ == "__main__":
    accounting = "--accounting" in sys.argv[1:2]
    if reason := missing(accounting):
        sys.exit(f"cluster.py: {reason}")
    with little_slurm(accounting=accounting):
        command = sys.argv[2 if accounting else 1 :] or ["bash"]
        sys.exit(subprocess.run(command, env=environment(), check=False).returncode)
