# SPDX-License-Identifier: GPL-2.0-or-later
"""machine.py - a machine to install on: this one, in a copy that vanishes.

Its root is an overlay over ours; its processes, network, mounts and control groups are
its own. With boot=True systemd is its first process and journald runs, but no service of
ours: what is enabled here is not there. Everything written to it goes to a tmpfs, whose
files changes() lists.
"""
import os
import subprocess
import time
from pathlib import Path

from lab import BUILD, TOP, wait_for

# Its arguments: a folder to work in, the first process and its words.
ROOT = r"""set -e
t=$1; shift
mount -t tmpfs tmpfs "$t"
mkdir "$t/upper" "$t/work" "$t/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$t/upper,workdir=$t/work" "$t/root"
m=$t/root
mount -t proc proc "$m/proc"
mount --bind "$m/proc/sys" "$m/proc/sys"
mount -o remount,bind,ro "$m/proc/sys"
mount -t sysfs sysfs "$m/sys"
mount -t cgroup2 cgroup2 "$m/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$m/dev"
mkdir "$m/dev/pts" "$m/dev/shm"
for name in null zero full random urandom tty; do
	touch "$m/dev/$name"
	mount --bind "/dev/$name" "$m/dev/$name"
done
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$m/dev/pts"
ln -s pts/ptmx "$m/dev/ptmx"
ln -s /proc/self/fd "$m/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$m/run"
mount -t tmpfs tmpfs "$m/tmp"
mount -t tmpfs -o mode=755 tmpfs "$m/var/log"
IFS='
'
for path in $BRING; do
	mkdir -p "$m$path"
	mount --bind "$path" "$m$path"
done
rm -rf "$m"/etc/systemd/system/*.wants "$m/etc/banner" "$m/var/lib/banner"
for unit in systemd-sysctl.service systemd-modules-load.service dev-hugepages.mount \
    systemd-remount-fs.service sys-kernel-debug.mount sys-kernel-tracing.mount \
    systemd-journald-audit.socket systemd-timesyncd.service; do
	ln -sf /dev/null "$m/etc/systemd/system/$unit"
done
ip link set lo up
hostname victim
export container=overlay
exec chroot "$m" "$@"
"""
SYSTEMD = ["/lib/systemd/systemd", "--unit=multi-user.target"]
ADDRESS, ATTACKER = "198.51.100.1", "198.51.100.66"


def unified():
    """Where cgroup2 is mounted, or None."""
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return Path(line.split()[1])
    return None


def cannot(boot=False):
    """Why no machine can be made here; None if one can."""
    if os.geteuid() != 0:
        return "needs root"
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        return "no overlay file system"
    if boot and not os.access(SYSTEMD[0], os.X_OK):
        return "no systemd"
    if not unified() or not os.access(unified() / "cgroup.procs", os.W_OK):
        return "no cgroup2 that may be written"
    return None


class Machine:
    def __init__(self, where, boot=False):
        self.dir = Path(where)
        self.dir.mkdir()
        self.group = unified() / f"banner-machine-{os.getpid()}"
        self.group.mkdir()
        bring = [str(p) for p in {TOP, BUILD.parent}
                 if os.stat(p).st_dev != os.stat("/").st_dev
                 or str(p).startswith(("/tmp/", "/run/", "/var/log/"))]
        first = SYSTEMD if boot else ["bash", "-c", "sleep infinity & wait"]
        self.said = open(f"{where}.said", "wb")
        self.proc = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec unshare --mount --pid --net'
             ' --uts --ipc --cgroup --fork --kill-child sh -c "$@"', self.group,
             ROOT, "sh", self.dir, *first],
            stdout=self.said, stderr=self.said, stdin=subprocess.DEVNULL,
            env={**os.environ, "BRING": "\n".join(bring)})
        try:
            self.pid = wait_for(self.first_process, 10, "the root\n" + self.output())
            if boot:
                wait_for(self.booted, 30, "systemd\n" + self.output())
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def output(self):
        return Path(self.said.name).read_text(errors="replace")

    def first_process(self):
        """Its pid outside, once it has the root."""
        assert self.proc.poll() is None, self.output()
        kids = Path(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children").read_text()
        for pid in kids.split():
            if os.readlink(f"/proc/{pid}/root") != "/":
                return int(pid)
        return None

    def booted(self):
        return self.run("systemctl", "is-active", "basic.target").stdout == "active\n"

    def inside(self, *words):
        return ["nsenter", "-a", "-r", "-w", "-t", str(self.pid), *map(str, words)]

    def run(self, *words, **kw):
        return subprocess.run(self.inside(*words), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120,
                              start_new_session=True, **kw)

    def ok(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def path(self, name):
        return Path(f"/proc/{self.pid}/root{name}")

    def changes(self):
        """Every file and folder that differs from ours, by name; not those of a build."""
        top = Path(f"/proc/{self.proc.pid}/root")
        out = subprocess.run(
            ["nsenter", "-m", "-t", str(self.pid), "find", str(self.dir / "upper"),
             "-mindepth", "1", "-printf", "/%P\n"], capture_output=True, text=True)
        assert out.returncode == 0 and top.exists(), out.stderr
        return {n for n in out.stdout.splitlines() if not n.startswith(f"{BUILD}/")}

    def cable(self):
        """ADDRESS for the machine, and ATTACKER at the other end of a cable."""
        self.ok("ip", "netns", "add", "out")
        self.ok("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable",
                "netns", "out")
        for where, addr in (["ip"], ADDRESS), (["ip", "-n", "out"], ATTACKER):
            self.ok(*where, "addr", "add", addr + "/24", "dev", "cable")
            self.ok(*where, "link", "set", "cable", "up")

    def guesses(self, times):
        """Wrong passwords for sshd from ATTACKER, all at once; what it got for them."""
        argv = self.inside("ip", "netns", "exec", "out", "python3", "-B",
                           TOP / "scripts/demo.d/attacker.py", "ssh", ADDRESS, "root")
        procs = [subprocess.Popen([*argv, f"secret{i}"], stdout=subprocess.PIPE, text=True)
                 for i in range(times)]
        return [p.communicate(timeout=60)[0].strip() for p in procs]

    def knock(self):
        """Does sshd take a connection from ATTACKER? 0 if so."""
        return self.run("ip", "netns", "exec", "out", "timeout", "1", "bash", "-c",
                        f": < /dev/tcp/{ADDRESS}/22").returncode

    def routes(self):
        return self.ok("ip", "route", "show", "table", "all", "proto", "98")

    def close(self):
        self.proc.kill()
        self.proc.wait()
        self.said.close()
        end = time.monotonic() + 10
        while self.group.exists() and time.monotonic() < end:
            for folder, _, _ in os.walk(self.group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    time.sleep(0.05)
        self.dir.rmdir()
