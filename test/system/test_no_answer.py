# SPDX-License-Identifier: GPL-2.0-or-later
"""banctl when nobody answers, not in time, or nobody listens to it."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from lab import BUILD, Lab, wait_for

BANCTL = BUILD / "banctl"
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


def banctl(*words, program=BANCTL, **options):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True,
                          timeout=60, **options)


def test_nobody_there(tmp_path):
    done = banctl("-s", tmp_path / "none", "status")
    assert done.returncode == 3 and "is bannerd running?" in done.stderr
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "dead"))
    done = banctl("-s", tmp_path / "dead", "status")
    assert done.returncode == 3 and "is bannerd running?" in done.stderr
    done = banctl("-s", "x" * 200, "status")
    assert done.returncode == 2 and "too long" in done.stderr


def test_silence(tmp_path):
    """Somebody who never answers, and one who does not even accept."""
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "sock"))
        s.listen(0)
        for _ in range(3):      # the third finds no place to wait in
            began = time.monotonic()
            done = banctl("-s", tmp_path / "sock", "--timeout", 1, "status")
            assert done.returncode == 3 and done.stdout == "", done
            assert "no answer in 1 s" in done.stderr or \
                "takes no connection" in done.stderr, done
            assert time.monotonic() - began < 20
    for wrong in ("0", "x", "-1", "99999999"):
        done = banctl("-s", "/nonexistent", "--timeout", wrong, "status")
        assert done.returncode == 2 and "expected seconds" in done.stderr
    for wrong in (["--tmeout", "1", "status"], ["-s"], ["--timeout"]):
        done = banctl(*wrong)
        assert done.returncode == 2 and "no option" in done.stderr, done


@root
def test_no_rights():
    # a copy, because the build folder may be closed to others
    with Lab() as lab, tempfile.TemporaryDirectory(dir="/run") as open_to_all:
        os.chmod(open_to_all, 0o755)
        program = shutil.copy(BANCTL, open_to_all)

        def other(*words):
            return banctl("-s", lab.socket, *words, program=program, user=65534,
                          group=65534, extra_groups=[])
        lab.start()
        done = other("status")
        assert done.returncode == 3 and "Permission denied (root or group banner)" in \
            done.stderr, done
        # who may connect may read, and no more
        os.chmod(lab.dir, 0o755)
        os.chmod(lab.socket, 0o666)
        os.chmod(lab.socket.parent, 0o755)
        assert other("status").returncode == 0
        for words in (["banip", "192.0.2.7"], ["reload"], ["stop"], ["panic"],
                      ["allow", "add", "192.0.2.7"], ["set", "sshd", "maxretry", "1"]):
            done = other(*words)
            assert done.returncode == 1 and "may not change anything" in done.stderr, done


@root
def test_stopped_engine_and_pipes():
    with Lab() as lab:
        lab.start()
        lab.ok("banip", *(f"192.0.2.{i}" for i in range(10, 50)))
        engine = lab.children()["banner-engine"]
        os.kill(engine, signal.SIGSTOP)
        try:
            done = lab.ctl("--timeout", "1", "status")
            assert done.returncode == 3 and "no answer in 1 s" in done.stderr, done
        finally:
            os.kill(engine, signal.SIGCONT)
        wait_for(lambda: lab.ctl("ping").returncode == 0)
        done = subprocess.run(["sh", "-c", f"{BANCTL} -s {lab.socket} list | head -n 1"],
                              capture_output=True, text=True)
        assert done.stdout.count("\n") == 1 and done.stderr == "", done
        with open("/dev/full", "w") as full:
            done = subprocess.run([BANCTL, "-s", lab.socket, "list"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1 and "cannot be written" in done.stderr, done
        assert "\x1b" not in lab.ok("status") + lab.ok("list") + lab.ok("doctor")
        # an answer that is on its way when the daemon goes
        watch = subprocess.Popen([BANCTL, "-s", lab.socket, "watch"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: any(c["name"] == "clients" and c["now"] == 2
                             for c in lab.ctl_json("status")["caps"]))
        lab.stop()
        assert watch.wait(20) == 3
        assert watch.stderr.read() == "banctl: bannerd closed the connection\n"


@root
def test_doctor_tells_who_hangs():
    """An actor and a store that stand still; what failed once is no news for ever."""
    with Lab(maxretry=1) as lab:
        lab.ip("route", "add", "192.0.2.9", "dev", "lo")
        lab.start()
        lab.fail("192.0.2.9")
        wait_for(lambda: "not in force: 1" in lab.ctl("doctor").stdout, 5, "the conflict")
        lab.ip("route", "del", "192.0.2.9")
        lab.wait_routes("192.0.2.9")
        wait_for(lambda: "not in force" not in lab.ctl("doctor").stdout, 5, "its end")
        hung = [lab.kill(role, signal.SIGSTOP) for role in ("banner-actor", "banner-store")]
        lab.fail("192.0.2.7")
        wait_for(lambda: lab.banned() == {"192.0.2.7", "192.0.2.9"})
        wait_for(lambda: lab.ctl("doctor").stdout.count("answers nothing") == 2, 20, "both")
        assert "store:\tNOT WRITING: it answers nothing for 1" in lab.ok("status")
        for pid in hung:
            os.kill(pid, signal.SIGCONT)
        lab.wait_routes("192.0.2.7", "192.0.2.9")
        wait_for(lambda: "answers nothing" not in lab.ctl("doctor").stdout, 5, "neither")
