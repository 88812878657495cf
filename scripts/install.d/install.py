# SPDX-License-Identifier: GPL-2.0-or-later
"""install.py - files, users, units and a first configuration; see scripts/install."""
import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import found

TOP = Path(__file__).resolve().parents[2]
GROUP, USERS = "banner", ("_banner", "_bannerssh", "_bannermail")
UNITS = ("bannerd.service", "banner-expire.timer")
MANIFEST = "usr/libexec/banner/installed"
DROPIN = "etc/systemd/system/bannerd.service.d"
# Plugins that are more than routes and tables, and the drop-in each needs.
RELAXED = {"exec": "exec.conf", "ssh": "network.conf", "mail": "network.conf"}


def say(text):
    print(text, flush=True)


def run(*argv, check=True):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"install: {' '.join(map(str, argv))}:\n"
                         + done.stdout + done.stderr)
    return done


def systemd_runs(root):
    return root == Path("/") and os.path.isdir("/run/systemd/system")


def install_files(build, root):
    """By meson, which then knows what it wrote; that list is kept for --uninstall."""
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", root)
    log = (build / "meson-logs/install-log.txt").read_text()
    names = [Path(n) for n in log.splitlines() if not n.startswith("#")]
    names = [n for n in names if n.is_file() or n.is_symlink()]
    (root / MANIFEST).write_text("".join(f"/{n.relative_to(root)}\n" for n in names))
    say(f"files: {len(names)} below {root / 'usr'} and {root / 'etc'}")


def names_in(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return {n.split(":")[0]: n.split(":") for n in lines}


def make_users(root):
    where = [] if root == Path("/") else ["--prefix", root]
    if GROUP not in names_in(root / "etc/group"):
        run("groupadd", *where, "--system", GROUP)
    for user in USERS:
        if user not in names_in(root / "etc/passwd"):
            run("useradd", *where, "--system", "--user-group", "--no-create-home",
                "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", user)
    state = root / "var/lib/banner"
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    entry = names_in(root / "etc/passwd")[USERS[0]]
    os.chown(state, int(entry[2]), int(entry[3]))
    say(f"users: {' '.join(USERS)}; group {GROUP}")


def bannerd(args, *options):
    """The installed program; in another root that of the build, with its helpers."""
    program = "/usr/sbin/bannerd" if args.root == Path("/") else args.build / "bannerd"
    return run(program, "-c", args.root / "etc/banner", *options, check=False)


def drop_ins(args):
    """Where the configuration needs more than routes and tables, the unit gives way."""
    plugins = {line.split("=")[1].strip() for line in
               bannerd(args, "--dump").stdout.splitlines() if line.startswith("plugin =")}
    root = args.root
    for name in sorted(set(RELAXED.values())):
        path = root / DROPIN / name
        causes = sorted(p for p in plugins if RELAXED.get(p) == name)
        if causes:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / "usr/share/banner" / name, path)
            say(f"unit: less strict, for actions of {' '.join(causes)}: {path}")
        else:
            path.unlink(missing_ok=True)


def start(root, wanted):
    if root != Path("/"):
        say("start: not in another root")
    elif not systemd_runs(root):
        say("start: no systemd runs here. As root, at boot:  bannerd -c /etc/banner\n"
            "       and every 5 minutes, from cron:  bannerd -c /etc/banner --expire")
    elif not wanted:
        say("start: not asked for; systemctl enable --now " + " ".join(UNITS))
    else:
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--quiet", *UNITS)
        run("systemctl", "restart", *UNITS)
        say("start: bannerd runs, and will after a reboot")


def other_ban_engines():
    for name in ("fail2ban-server", "sshguard", "crowdsec"):
        if run("pgrep", "-x", name, check=False).returncode == 0:
            say(f"note: {name} runs too; both will ban")


def install(args):
    began = time.monotonic()
    install_files(args.build, args.root)
    make_users(args.root)
    jails = found.jails(args.root)
    for jail in jails:
        say(f"jail {jail.name}: {jail.reads()}")
    if not jails:
        say("jails: none found; enable some in a jails.d/*.local of your own")
    ignore = args.ignore + found.ask_for_this_session(args.ignore)
    found.write(args.root, jails, ignore)
    test = bannerd(args, "-t")
    if test.returncode:
        raise SystemExit("install: the configuration is refused:\n" + test.stdout
                         + test.stderr)
    drop_ins(args)
    other_ban_engines()
    start(args.root, args.start)
    say(f"done in {time.monotonic() - began:.1f} s. Next: banctl status; banctl doctor")


def wait_for_end():
    """Until no process is left that uses our files or users."""
    end = time.monotonic() + 20
    users = [u for u in USERS if u in names_in(Path("/etc/passwd"))]
    while run("pgrep", "-x", "bannerd", check=False).returncode == 0 or \
            users and run("pgrep", "-u", ",".join(users), check=False).returncode == 0:
        if time.monotonic() > end:
            raise SystemExit("install: bannerd does not end")
        time.sleep(0.1)


def stop(root):
    """Bans go first: nobody stays banned by a program that is not there any more."""
    if root != Path("/"):
        return
    if shutil.which("banctl"):
        run("banctl", "stop", "--unban", check=False)
    if systemd_runs(root):
        run("systemctl", "disable", "--now", "--quiet", *UNITS, check=False)
    wait_for_end()
    for family in ("-4", "-6"):
        run("ip", family, "route", "flush", "table", "all", "proto", "98", check=False)
    shutil.rmtree("/run/banner", ignore_errors=True)


def remove_users(root):
    where = [] if root == Path("/") else ["--prefix", root]
    for user in USERS:
        if user in names_in(root / "etc/passwd"):
            run("userdel", *where, user)
    if GROUP in names_in(root / "etc/group"):
        run("groupdel", *where, GROUP)


def remove(root, purge):
    manifest = root / MANIFEST
    if not manifest.exists():
        raise SystemExit(f"install: nothing is installed ({manifest} is missing)")
    names = manifest.read_text().splitlines()
    names += [f"/{MANIFEST}", "/etc/banner/jails.d/found.local"]
    names += [f"/{DROPIN}/{n}" for n in sorted(set(RELAXED.values()))]
    stop(root)
    for name in names:
        (root / name[1:]).unlink(missing_ok=True)
    if purge:
        for name in ("etc/banner", "var/lib/banner", "var/log/banner"):
            shutil.rmtree(root / name, ignore_errors=True)
        remove_users(root)
    ours = {p for n in names for p in (root / n[1:]).parents if "banner" in str(p.name)
            or "banner" in str(p.parent.name)} | {root / "etc/banner/actions"}
    for folder in sorted(ours, key=lambda p: -len(p.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if systemd_runs(root):
        run("systemctl", "daemon-reload")
    say("removed" if purge else
        "removed; *.local files, state and users are left, --purge removes them")


def main():
    p = argparse.ArgumentParser(prog="install")
    p.add_argument("-b", "--build", type=Path, default=TOP / "build")
    p.add_argument("--root", type=Path, default=Path("/"))
    p.add_argument("--ignore", action="append", default=[], metavar="ADDR")
    p.add_argument("--no-start", dest="start", action="store_false")
    p.add_argument("--uninstall", action="store_true")
    p.add_argument("--purge", action="store_true")
    args = p.parse_args()
    args.build, args.root = args.build.resolve(), args.root.resolve()
    if args.uninstall:
        remove(args.root, args.purge)
    else:
        install(args)


if __name__ == "__main__":
    sys.exit(main())
