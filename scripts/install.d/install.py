# SPDX-License-Identifier: GPL-2.0-or-later
"""install.py - files, users, units and a first configuration; see scripts/install."""
import argparse
import hashlib
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
RELAXED = {"exec": "exec.conf", "ssh": "network.conf", "mail": "network.conf",
           "login": "network.conf"}


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


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recorded(root):
    """What the last installation wrote: name below root -> digest."""
    path = root / MANIFEST
    lines = path.read_text().splitlines() if path.exists() else []
    return {name[1:]: h for h, name in (line.split("  ", 1) for line in lines)}


def edited(root):
    """Files of the configuration that somebody has changed since."""
    return {n: (root / n).read_bytes() for n, h in recorded(root).items()
            if n.startswith("etc/") and (root / n).is_file() and digest(root / n) != h}


def save(root, files):
    """No edit is lost: beside each file that is replaced or removed stays a copy."""
    for name, text in files.items():
        copy = root / f"{name}.saved"
        if not (root / name).exists() or (root / name).read_bytes() != text:
            copy.write_bytes(text)
            say(f"note: {root / name} was edited; saved as {copy.name}. "
                "Settings of your own belong in *.local files")


def install_files(build, root):
    """By meson, which then knows what it wrote; that list is kept for --uninstall."""
    edits = edited(root)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", root)
    log = (build / "meson-logs/install-log.txt").read_text()
    names = [Path(n) for n in log.splitlines() if not n.startswith("#")]
    names = [n for n in names if n.is_file()]
    (root / MANIFEST).write_text(
        "".join(f"{digest(n)}  /{n.relative_to(root)}\n" for n in names))
    save(root, edits)
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
        if "bannerd" in running():
            say("       The one that runs is still the old one: banctl stop")
    elif "fail2ban-server" in running():
        say("start: not beside fail2ban, and bannerd would refuse; "
            "docs/from-fail2ban.md says how to change over")
    elif not wanted:
        say("start: not asked for; systemctl enable --now " + " ".join(UNITS))
    else:
        run("systemd-tmpfiles", "--create", "banner.conf")
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--quiet", *UNITS)
        run("systemctl", "restart", *UNITS)
        say("start: bannerd runs, and will after a reboot")


def processes():
    """Name and user of every process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield (folder / "comm").read_text().strip(), folder.stat().st_uid
        except OSError:
            pass


def running():
    return {name for name, _ in processes()}


def other_ban_engines():
    for name in sorted({"sshguard", "crowdsec"} & running()):
        say(f"note: {name} runs too, and both will ban; what one lifts the other may "
            "still hold")


def install(args):
    began = time.monotonic()
    install_files(args.build, args.root)
    make_users(args.root)
    jails = found.jails(args.root)
    for jail in jails:
        say(f"jail {jail.name}: {jail.reads()}")
    if not jails:
        say("jails: none found; enable some in a jails.d/*.local of your own")
    ignore = list(dict.fromkeys(found.ignored_before(args.root) + args.ignore))
    ignore += found.ask_for_this_session(ignore)
    found.write(args.root, jails, ignore)
    test = bannerd(args, "-t")
    if test.returncode:
        raise SystemExit("install: the configuration is refused:\n" + test.stdout
                         + test.stderr)
    drop_ins(args)
    other_ban_engines()
    start(args.root, args.start)
    say(f"done in {time.monotonic() - began:.1f} s. Next: banctl status; banctl doctor")


def comes(condition):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def ended():
    """No process is left that uses our files or users."""
    entries = names_in(Path("/etc/passwd"))
    uids = {int(entries[u][2]) for u in USERS if u in entries}
    return not any(name == "bannerd" or uid in uids for name, uid in processes())


def lift():
    """Bans go first: nobody stays banned by a program that is not there any more. One
    that does not run is started once more, because only it knows of all its bans."""
    def answers():
        return run("banctl", "ping", check=False).returncode == 0
    if not answers() and Path("/var/lib/banner/banner.sqlite3").exists():
        run("bannerd", "-c", "/etc/banner", check=False)
        comes(lambda: answers() or ended())
    run("banctl", "stop", "--unban", check=False)


def stop(root):
    if root != Path("/"):
        return
    if shutil.which("banctl") and shutil.which("bannerd"):
        lift()
    if systemd_runs(root):
        run("systemctl", "disable", "--now", "--quiet", *UNITS, check=False)
        run("systemctl", "reset-failed", *UNITS, "banner-expire.service", check=False)
    if not comes(ended):
        raise SystemExit("install: bannerd does not end")
    for family in ("-4", "-6") if shutil.which("ip") else ():
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
    edits = edited(root)
    names = [*recorded(root), MANIFEST, found.FILE]
    names += [f"{DROPIN}/{n}" for n in sorted(set(RELAXED.values()))]
    stop(root)
    for name in names:
        (root / name).unlink(missing_ok=True)
    if not purge:
        save(root, edits)
    else:
        for name in ("etc/banner", "var/lib/banner", "var/log/banner"):
            shutil.rmtree(root / name, ignore_errors=True)
        remove_users(root)
    ours = {p for n in names for p in (root / n).parents if "banner" in str(p.name)
            or "banner" in str(p.parent.name)} | {root / "etc/banner/actions"}
    for folder in sorted(ours, key=lambda p: -len(p.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if systemd_runs(root):
        run("systemctl", "daemon-reload")
    say("removed" if purge else
        "removed; *.local files, state and users are left, --purge removes them")
    say("Debian packages that were installed for the build are left")


def main():
    p = argparse.ArgumentParser(prog="install")
    p.add_argument("-b", "--build", type=Path, default=TOP / "build")
    p.add_argument("--root", type=Path, default=Path("/"))
    p.add_argument("--ignore", action="append", default=[], metavar="ADDR")
    p.add_argument("--no-start", dest="start", action="store_false")
    p.add_argument("--uninstall", action="store_true")
    p.add_argument("--purge", action="store_true")
    args = p.parse_args()
    os.umask(0o022)
    args.build, args.root = args.build.resolve(), args.root.resolve()
    if args.uninstall:
        remove(args.root, args.purge)
    else:
        install(args)


if __name__ == "__main__":
    sys.exit(main())
