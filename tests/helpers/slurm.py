"""A real SLURM of two nodes on this machine, in a folder of its own: munge, a controller, two daemons of nodes."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from helpers.nodes import free_ports
from helpers.sweeping import kill_all

NODES = ("n1", "n2")
PROGRAMS = ("setpriv", "munged", "slurmctld", "slurmd", "sbatch", "squeue")
CONF = """ClusterName=hourglass
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
SlurmdTimeout=5
KillWait=30
ReturnToService=2
NodeName=n1 NodeAddr=127.0.0.1 NodeHostname={host} Port={ports[1]} CPUs=1 RealMemory=2000
NodeName=n2 NodeAddr=127.0.0.1 NodeHostname={host} Port={ports[2]} CPUs=1 RealMemory=2000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
"""


class Unavailable(Exception):
    """SLURM is not installed here, or does not start; the message has the reason."""


@dataclass
class Cluster:
    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def command(self, *words: str) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(words, env=os.environ | self.environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Unavailable(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def start(self, name: str, *words: str) -> None:
        """A daemon that stays a child of ours, and ends with this process, however that ends."""
        with (self.folder / f"{name}.out").open("ab") as output:
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *words],
                env=os.environ | self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def start_node(self, name: str) -> None:
        self.start(name, _path("slurmd"), "-D", "-N", name)

    def queue(self) -> dict[str, str]:
        """The state of each job that waits or runs."""
        lines = self.command("squeue", "--noheader", "--array", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)

    def do_not_delay(self) -> None:
        """Let jobs that were requeued start now: SLURM has them wait for two minutes."""
        for line in self.command("squeue", "--noheader", "--array", "--format=%i %r").splitlines():
            if line.endswith("BeginTime"):
                with suppress(Unavailable):  # it has just started
                    self.command("scontrol", "update", f"JobId={line.split()[0]}", "StartTime=now")

    def kill_node(self, name: str) -> None:
        """SIGKILL to its daemon and to all that runs there, as when the machine loses its power."""
        kill_all([self.daemons.pop(name).pid, *sorted(_processes(name))])

    def clear(self) -> None:
        """Cancel every job, start what was killed, wait until both nodes are idle."""
        self.command("scancel", f"--user={os.getuid()}")
        for name in NODES:
            if name not in self.daemons:
                self.start_node(name)
        self.wait(lambda: not self.queue() and self.idle())

    def idle(self) -> bool:
        return self.command("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(NODES)

    def wait(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not _true(condition):
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > deadline:
                output = [path.read_text(encoding="utf-8", errors="replace") for path in self.folder.glob("*.out")]
                raise Unavailable(f"{', '.join(dead) or 'it'} does not start: {''.join(output)[-300:]}")
            time.sleep(0.2)


def _true(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except Unavailable:  # a controller that does not answer yet
        return False


def _processes(node: str) -> set[int]:
    """Of the jobs on that node, and the processes above them but for init."""
    pids = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # a process that has just ended
            environment, pid = (folder / "environ").read_bytes().split(b"\0"), int(folder.name)
            while f"SLURMD_NODENAME={node}".encode() in environment and pid > 1:
                pids.add(pid)
                pid = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
    return pids


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two idle nodes; raises Unavailable with the reason where there can be none."""
    missing = [name for name in PROGRAMS if not Path(_path(name)).exists()]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)} (Debian: slurm-wlm, munge)")
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        one = Cluster(Path(name))
        try:
            _start(one)
            yield one
        finally:
            _stop(one)


def _start(one: Cluster) -> None:
    folder, user = one.folder, pwd.getpwuid(os.getuid()).pw_name
    for part in ("state", *(f"spool.{name}" for name in NODES)):
        (folder / part).mkdir()
    text = CONF.format(folder=folder, user=user, host=socket.gethostname(), ports=free_ports(3))
    (folder / "slurm.conf").write_text(text, encoding="utf-8")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    files = {name: folder / f"munge.{name}" for name in ("socket", "log", "pid", "seed")}
    options = [f"--{name}{'' if name == 'socket' else '-file'}={path}" for name, path in files.items()]
    one.start("munged", _path("munged"), "--foreground", "--force", f"--key-file={key}", *options)
    one.wait(files["socket"].exists)
    one.start("slurmctld", _path("slurmctld"), "-D", "-f", str(folder / "slurm.conf"))
    for name in NODES:
        one.start_node(name)
    one.wait(one.idle)


def _stop(one: Cluster) -> None:
    """Nothing of it is left, whatever happened."""
    for name in NODES:
        kill_all(_processes(name))
    for daemon in reversed(one.daemons.values()):
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()


def _path(program: str) -> str:
    """Debian has daemons where the PATH of a user has not."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or program
