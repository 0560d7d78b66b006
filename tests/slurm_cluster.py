"""A SLURM cluster of one node, from Debian's packages, that leaves nothing behind.

It runs as root without systemd. Everything is in one folder but for links in /etc/slurm, where SLURM's
programs look. Its GPU is a device file that gives zeros.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

ETC = Path("/etc/slurm")
OF_A_PACKAGE = "plugstack.conf"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
PLUGINS = Path("/usr/lib/x86_64-linux-gnu/slurm-wlm/select_cons_tres.so")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldDebug=info
SlurmdDebug=debug
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
KillWait=2
MinJobAge=3600
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
EnforcePartLimits=ALL
SlurmdParameters=config_overrides
GresTypes=gpu
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory={memory_mb} Gres=gpu:fake:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why no cluster can be brought up here, when it cannot."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if missing or not PLUGINS.exists():
        return (
            f"{', '.join(missing) or PLUGINS.name} not installed (apt-get install slurmctld slurmd "
            "slurm-client slurm-wlm-basic-plugins munge)"
        )
    if os.geteuid() != 0:
        return "a cluster can be brought up by root only"
    if not _ours():
        return f"{ETC} has the configuration of another cluster"
    return None


def _ours() -> bool:
    """Whether what lies in /etc/slurm is links of an earlier test, and what the packages put there."""
    return all(file.is_symlink() or file.name == OF_A_PACKAGE for file in ETC.glob("*.conf"))


class Cluster:
    """The cluster, while it is used as a context: `with Cluster() as cluster`."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="syncohort-slurm-"))
        self.host = socket.gethostname().split(".")[0]
        self._pids: list[int] = []
        self._lock = None

    def __enter__(self) -> Self:
        self._lock = open(Path(tempfile.gettempdir(), "syncohort-test-cluster.lock"), "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # one at a time on a machine
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for pid in reversed(self._pids):
            _end(pid)
        for name in ("slurm", "gres", "cgroup"):
            (ETC / f"{name}.conf").unlink(missing_ok=True)
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        for name in ("munge", "ctld", "spool"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)  # munged runs as another user
        self._start_munge()
        device = self.folder / "gpu0"
        os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 512
        texts = {
            "slurm": CONFIGURATION.format(
                host=self.host, folder=self.folder, ports=_free_ports(2), memory_mb=memory_mb
            ),
            "gres": f"NodeName={self.host} Name=gpu Type=fake File={device} Flags=nvidia_gpu_env\n",
            "cgroup": "CgroupPlugin=autodetect\n",
        }
        ETC.mkdir(exist_ok=True)
        for name, text in texts.items():
            (self.folder / f"{name}.conf").write_text(text)
            (ETC / f"{name}.conf").unlink(missing_ok=True)
            (ETC / f"{name}.conf").symlink_to(self.folder / f"{name}.conf")
        self._start_daemon("slurmctld")
        wait_for(lambda: "is UP" in self.ask("scontrol", "ping"))
        self._start_daemon("slurmd")
        wait_for(lambda: self.ask("sinfo", "-h", "-o", "%T").strip() in ("idle", "mixed"))

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        (folder / "key").write_bytes(os.urandom(128))
        (folder / "key").chmod(0o400)
        for file in (folder, folder / "key"):
            shutil.chown(file, "munge", "munge")
        folder.chmod(0o711)
        options = {"key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
        command = [shutil.which("munged", path=PATH), f"--socket={folder}/socket"]
        command += [f"--{option}={folder}/{name}" for option, name in options.items()]
        as_munge = ["setpriv", "--reuid", "munge", "--regid", "munge", "--clear-groups"]
        subprocess.run([*as_munge, *command], check=True)
        self._remember(folder / "pid")

    def _start_daemon(self, name: str) -> None:
        subprocess.run([shutil.which(name, path=PATH)], check=True)
        self._remember(self.folder / f"{name}.pid")

    def _remember(self, pid_file: Path) -> None:
        wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
        self._pids.append(int(pid_file.read_text()))

    def ask(self, *command: str) -> str:
        """What one of SLURM's programs prints."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def jobs(self) -> list[dict[str, str]]:
        """SLURM's records of its jobs, in order of their numbers: `scontrol show job`."""
        lines = self.ask("scontrol", "show", "job", "--oneliner").splitlines()
        found = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines if "JobId=" in line]
        return sorted(found, key=lambda job: int(job["JobId"]))

    def jobs_of(self, rule: str) -> list[dict[str, str]]:
        """Those of a rule or of a group of rules; the number of the job's group is left out."""
        name = re.compile(rf"rule_{rule}(_wildcards_.*)?")
        return [job for job in self.jobs() if name.fullmatch(job.get("Comment", ""))]

    def running(self, rule: str) -> dict[str, str]:
        """Wait until a job of a rule runs, and give its record."""
        return wait_for(
            lambda: next((j for j in self.jobs_of(rule) if j["JobState"] == "RUNNING"), None), 1500
        )

    def used_mb(self) -> dict[str, float]:
        """Most memory that each job was seen to use, by its number, in the records of the node."""
        most: dict[str, float] = {}
        pattern = r"StepId=(\d+)\.\w+ memory used:(\d+)"
        for job, used in re.findall(pattern, (self.folder / "slurmd.log").read_text()):
            most[job] = max(most.get(job, 0.0), int(used) / 2**20)
        return most


def wait_for(happened, seconds: float = 30):
    """What a function gives as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := happened()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s")
        time.sleep(0.1)
    return found


def _free_ports(number: int) -> list[int]:
    """Numbers of ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _end(pid: int) -> None:
    """End a process that this module started, and wait for its end."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(50):
            try:
                os.kill(pid, sign if _ == 0 else 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)
