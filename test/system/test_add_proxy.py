# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/add-proxy against a real sshd, in a copy-on-write view of this machine."""
import os
import shutil
import subprocess

import pytest

from fleet_lab import BUILD, Fleet
from lab import TOP, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")

# The proxy's own /etc, /usr and /var: what add-proxy changes there stays there. No systemd
# is seen in it, for the one that is there would be this machine's.
VIEW = """set -e
[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd
for d in etc usr var; do
	mkdir -p {cow}/$d.up {cow}/$d.work
	mount -t overlay none -o lowerdir=/$d,upperdir={cow}/$d.up,workdir={cow}/$d.work /$d
done
exec {sshd} -D -e -f {dir}/sshd_config
"""


@pytest.fixture
def lab():
    with Fleet(1) as one:
        p = one.proxies[0]
        p.stop()
        cow = p.dir / "cow"
        cow.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "none", cow], check=True)
        try:
            keys = p.dir / "root_keys"
            keys.write_text((one.dir / "ssh" / "key.pub").read_text())
            p.start(f"AuthorizedKeysFile {keys} .ssh/authorized_keys")
            p.stop()
            text = (p.dir / "sshd_config").read_text().splitlines()
            text = [l for l in text if f"AuthorizedKeysFile {p.dir}/auth" not in l]
            (p.dir / "sshd_config").write_text("\n".join(text) + "\n")
            (p.dir / "sshd.log").write_text("")
            p.proc = subprocess.Popen(
                ["ip", "netns", "exec", p.ns, "unshare", "-m", "sh", "-c",
                 VIEW.format(cow=cow, dir=p.dir, sshd=shutil.which("sshd"))],
                stdout=p.log, stderr=p.log)
            wait_for(lambda: "listening" in (p.dir / "sshd.log").read_text(), 10, "sshd")
            yield one
        finally:
            p.stop()
            subprocess.run(["umount", cow], check=False)


def add_proxy(lab, *options):
    p = lab.proxies[0]
    ssh = (f"ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes "
           f"-o UserKnownHostsFile={lab.dir}/ssh/known_hosts -i {lab.dir}/ssh/key")
    env = dict(os.environ, BANNER_SSH_DIR=str(lab.dir / "hub"),
               HOST_KEY=str(p.dir / "host_key.pub"))
    return subprocess.run(lab.inside([TOP / "scripts" / "add-proxy", "--ssh", ssh,
                                      "--from-build", BUILD, *options, p.addr]),
                          env=env, capture_output=True, text=True, timeout=60)


def on_proxy(lab, text):
    """By the login that was there before."""
    return subprocess.run(lab.inside(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
         f"UserKnownHostsFile={lab.dir}/ssh/known_hosts", "-i", f"{lab.dir}/ssh/key",
         "-l", "root", lab.proxies[0].addr, text]), capture_output=True, text=True,
        timeout=20)


def test_nft_and_a_policy(lab):
    """The plugin that was asked for, under a policy that is the proxy's own."""
    p = lab.proxies[0]
    done = add_proxy(lab, "--plugin", "nft")
    assert done.returncode == 0 and "HELLO 1 plugin=nft" in done.stdout, done
    on_proxy(lab, "sed -i 's/^protected =.*/protected = 192.0.2.7/' /etc/banner/edge.conf")
    conf = (lab.dir / "banner.conf").read_text()
    conf = conf.replace(f"{lab.dir}/ssh/", f"{lab.dir}/hub/").replace(
        "/hub/key", "/hub/id_ed25519")
    (lab.dir / "banner.conf").write_text(conf.replace("login = root\n", ""))
    lab.start()
    lab.ctl("banip", "sshd", "192.0.2.7", "192.0.2.8", "--wait")
    rules = lab.run_host("ip", "netns", "exec", p.ns, "nft", "list", "ruleset")
    assert "192.0.2.8" in rules and "192.0.2.7" not in rules
    assert "refused: protected" in lab.ok("fleet", "192.0.2.7")
    lab.stop()
    assert add_proxy(lab, "--remove").returncode == 0
    assert "192.0.2.8" not in lab.run_host("ip", "netns", "exec", p.ns, "nft", "list",
                                           "ruleset")


def test_set_up_check_ban_and_remove(lab):
    p = lab.proxies[0]
    done = add_proxy(lab, "--from", "10.99.1.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "carries out bans" in done.stdout
    assert "there: setcap cap_net_admin+ep" in done.stdout
    on_proxy(lab, "sed -i 's/^protected =.*/protected = 192.0.2.9/' /etc/banner/edge.conf")
    assert add_proxy(lab, "--from", "10.99.1.1").returncode == 0    # again: no harm
    assert "192.0.2.9" in on_proxy(lab, "cat /etc/banner/edge.conf").stdout
    done = add_proxy(lab, "--check")
    assert done.returncode == 0 and "PONG 1" in done.stdout, done.stdout + done.stderr
    lab.more = f"key = {lab.dir}/hub/id_ed25519\n"
    conf = (lab.dir / "banner.conf").read_text()
    conf = conf.replace(f"{lab.dir}/ssh/", f"{lab.dir}/hub/").replace("/hub/key", "/hub/id_ed25519")
    (lab.dir / "banner.conf").write_text(conf.replace("login = root\n", ""))
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--wait")
    assert p.routes() == {"192.0.2.7"}
    who = subprocess.run(["ps", "-o", "user=", "-C", "banner-edge"], capture_output=True,
                         text=True).stdout
    assert "root" not in who.split()
    plain = subprocess.run(lab.inside(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
         f"UserKnownHostsFile={lab.dir}/hub/known_hosts", "-i",
         f"{lab.dir}/hub/id_ed25519", "-l", "banner-edge", p.addr, "id"]),
        capture_output=True, text=True, input="id\n", timeout=20)
    assert "uid=" not in plain.stdout and "HELLO comes first" in plain.stdout
    lab.stop()
    done = add_proxy(lab, "--remove")
    assert done.returncode == 0, done.stdout + done.stderr
    assert p.routes() == set()
    left = on_proxy(lab, "id banner-edge; ls -d /usr/libexec/banner /etc/banner/edge "
                         "/var/lib/banner-edge; ls /etc/banner")
    assert "no such user" in left.stderr and left.stderr.count("No such file") == 3, left
    assert left.stdout.split() == ["edge.conf"], left
    done = add_proxy(lab, "--check")
    assert done.returncode == 1 and "does not carry out" in done.stderr


def test_dry_run_changes_nothing(lab):
    done = add_proxy(lab, "--dry-run")
    assert done.returncode == 0 and "useradd" in done.stdout
    assert not (lab.dir / "hub").exists()
