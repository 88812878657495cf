# SPDX-License-Identifier: GPL-2.0-or-later
"""The guides say what is so: their configurations load, and what they name exists."""
import os
import re
import shutil
import subprocess
import textwrap

import pytest

from lab import BUILD, TOP, Lab

GUIDES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])
TEXTS = {p.relative_to(TOP).as_posix(): p.read_text() for p in GUIDES}
FOLDERS = ("banner", "actions", "docs", "filters", "jails.d", "scripts", "systemd",
           "test")


def blocks(text):
    """Fenced or indented ones, each with the number of its first line."""
    fenced = "\n```" in text
    pattern = r"^```\n((?:(?!```).*\n)*)" if fenced else r"^((?:    .*\n|\n(?=    ))+)"
    for m in re.finditer(pattern, text, re.M):
        yield text.count("\n", 0, m.start()) + 1, textwrap.dedent(m.group(1))


def sections():
    """The blocks that are configurations of ours."""
    for name, text in TEXTS.items():
        for line, body in blocks(text):
            if re.search(r"^\[[a-zA-Z][\w -]*\]$", body, re.M) and (
                    "[Service]" not in body):
                yield pytest.param(body, id=f"{name}:{line}")


def run(*argv):
    argv = [str(a) for a in argv]
    return subprocess.run(argv, capture_output=True, text=True)


@pytest.fixture
def etc(tmp_path):
    """What is installed in /etc/banner."""
    for name in ("filters", "jails.d"):
        shutil.copytree(TOP / name, tmp_path / name)
    shutil.copy(TOP / "banner.conf", tmp_path)
    (tmp_path / "actions").mkdir()
    return tmp_path


def edge_takes(body, folder):
    """In a network of its own, as it sets up what it would use."""
    edge = "" if "[edge]" in body else "[edge]\n"
    (folder / "edge.conf").write_text((edge + body).replace(
        "[edge]\n", f"[edge]\nstate = {folder}\n"))
    done = run("unshare", "-n", BUILD / "banner-edge", "--config", folder / "edge.conf",
               "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
@pytest.mark.parametrize("body", sections())
def test_configuration_loads(body, etc):
    names = re.findall(r"^\[(.*)\]$", body, re.M)
    if "edge" in names or names == ["action"]:
        edge_takes(body, etc)
        return
    daemon = "bannerd" in names or names[0].startswith("action ")
    (etc / ("banner.local" if daemon else "jails.d/guide.local")).write_text(body)
    asked = [n.split()[1] for n in names if n.startswith("action ")]
    if asked:       # its user and its programs may not be here
        text = re.sub(r"^user = .*$", "user = root", body, flags=re.M)
        text = re.sub(r"^(argv_\w+ = )\S+", r"\1/bin/true", text, flags=re.M)
        (etc / "banner.local").write_text(text)
        (etc / "jails.d/guide.local").write_text(
            f"[sshd]\nenabled = true\naction = {asked[0]}\n")
    done = run(BUILD / "bannerd", "-c", etc, "-t")
    assert done.returncode == 0 and "error" not in done.stdout, done.stdout
    for name in names:
        if not daemon and name != "DEFAULT":
            assert f"jail {name}:" in done.stdout, done.stdout


@pytest.mark.parametrize("name", TEXTS)
def test_files_exist(name):
    missing = re.findall(r"`(?:daemon|core|base|conf|source)/[\w./]+`", TEXTS[name])
    for word in re.findall(rf"\b(?:{'|'.join(FOLDERS)})/[\w.*/+-]*", TEXTS[name]):
        before = TEXTS[name][:TEXTS[name].index(word)][-1:]
        word = word.rstrip(".,")
        if before not in "/." and not re.search(r"NAME|\.local$", word):
            if not list(TOP.glob(word)):
                missing.append(word)
    for word in re.findall(r"`(test_\w+\.py|[a-z]\w*\.[ch])`", TEXTS[name]):
        if not list(TOP.glob(f"test/*/{word}")) and not list(TOP.glob(f"*/**/{word}")):
            missing.append(word)
    assert missing == []


def commands():
    """Of banctl, by its own help."""
    text = run(BUILD / "banner-engine", "completion", "bash").stdout
    help_ = (TOP / "docs/man/banctl.1").read_text()
    return {w for w in re.findall(r"^\.It Cm (\w+)", help_, re.M) if w in text}


@pytest.mark.parametrize("name", TEXTS)
def test_commands_exist(name):
    known = commands()
    assert {"status", "fleet", "compare", "import"} <= known
    used = set(re.findall(r"\bbanctl (?:--json )?([a-z]+)\b(?!\()", TEXTS[name]))
    assert used - known == set()


OPTIONS = {"bannerd": BUILD / "bannerd", "banregex": BUILD / "banregex"}


@pytest.mark.parametrize("name", TEXTS)
def test_options_exist(name):
    for program, path in OPTIONS.items():
        known = run(path, "--help").stdout
        for words in re.findall(rf"\b{program} ([^`\n#|]*)", TEXTS[name]):
            for option in re.findall(r"(?:^|\s)(--?[a-z][\w-]*)", words):
                assert option in known, f"{program} {words}"
    for script, words in re.findall(r"\b(scripts/[\w-]+)((?: [\w./-]+)*)", TEXTS[name]):
        parts = [TOP / script, *TOP.glob(script + ".d/*.py")]
        text = "".join(p.read_text() for p in parts if p.is_file())
        for option in re.findall(r"(?:^|\s)(--?[a-z][\w-]*)", words):
            assert option in text, f"{script}{words}"


@pytest.mark.parametrize("name", TEXTS)
def test_jails_and_sections_exist(name):
    shipped = "".join(p.read_text() for p in TOP.glob("jails.d/*.conf"))
    rows = re.findall(r"^\| (`[a-z-]+\*?`(?:, `[a-z-]+\*?`)*) \|", TEXTS[name], re.M)
    for row in rows:
        for jail in re.findall(r"`([a-z]+-[a-z-]+)(\*?)`", row):
            assert f"\n[{jail[0]}" in shipped, row
    for guide in re.findall(r"\b(\w[\w.-]*\.md)\b", TEXTS[name]):
        assert list(TOP.glob(guide)) or list(TOP.glob("docs/" + guide)), guide


def test_defaults_of_banner_conf(tmp_path):
    """Each option that is commented out has the value that holds without it."""
    text = (TOP / "banner.conf").read_text()
    main, action = text.split("#[action edge]")
    shown = re.sub(r"^#(\w+ =)", r"\1", main, flags=re.M)
    assert len(re.findall(r"^\w+ =", shown, re.M)) >= 14
    dumps = []
    (tmp_path / "jails.d").mkdir()
    for conf in ("[bannerd]\n", shown):
        (tmp_path / "banner.conf").write_text(conf)
        done = run(BUILD / "bannerd", "-c", tmp_path, "--dump")
        assert done.returncode == 0, done.stdout + done.stderr
        dumps.append(done.stdout)
    assert dumps[0] == dumps[1] and "max_tracked" in dumps[0], dumps
    # and it names all that there are but those of no use to most
    page = (TOP / "docs/man/banner.conf.5").read_text()
    page = page[page.index(".Ss [bannerd]"):page.index(".Ss [action NAME]")]
    assert set(re.findall(r"^\.It Ic (\w+)", page, re.M)) == set(
        re.findall(r"^#(\w+) =", main, re.M))
    assert "[action edge]" not in action


# What tells whose configuration a block is, what stands before it, what checks it.
OTHERS = {
    "rsyslog": (r"^module\(load=", 'global(workDirectory="/tmp")\n',
                ["rsyslogd", "-N1", "-f"]),
    "dovecot": (r"^auth_policy_server_url", "", ["doveconf", "-n", "-c"]),
    "bird": (r"^router id", "", ["bird", "-p", "-c"]),
}


@pytest.mark.parametrize("program", OTHERS)
def test_configuration_of_others_loads(program, tmp_path):
    pattern, head, check = OTHERS[program]
    found = [b for text in TEXTS.values() for _, b in blocks(text)
             if re.search(pattern, b, re.M)]
    assert found
    if not shutil.which(check[0]):
        pytest.skip(f"no {check[0]} here")
    for body in found:
        (tmp_path / "conf").write_text(head + body)
        done = run(*check, tmp_path / "conf")
        assert done.returncode == 0, body + done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
def test_readme_by_the_letter():
    """Its configuration, and then each of its commands."""
    texts = [b for _, b in blocks(TEXTS["README.md"])]
    conf = next(b for b in texts if b.startswith("[DEFAULT]"))
    commands = next(b for b in texts if b.startswith("banctl status"))
    with Lab() as lab:
        lab.shipped("filters", "jails.d")
        own = conf.replace("[sshd]\n", f"[sshd]\nlogpath = {lab.auth}\n")
        (lab.dir / "jails.d" / "mail.local").write_text(own)
        lab.start()
        lab.fail("203.0.113.7", 5)
        lab.wait_routes("203.0.113.7")
        for line in commands.splitlines():
            words = line.split("#")[0].split()
            if words[0] == "banctl":
                lab.ok(*words[1:])
            else:
                log = [lab.auth if w == "/var/log/auth.log" else w for w in words[1:]]
                assert "5 matched" in run(BUILD / words[0], "-c", lab.dir, *log).stdout
        assert lab.routes() == {"203.0.113.0/24"}
        assert "203.0.113.7" not in lab.banned("sshd")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
def test_example_of_hacking():
    body = next(b for _, b in blocks(TEXTS["HACKING.md"]) if "import Lab" in b)
    space = {}
    exec(body, space)       # ours, from the repository
    space["test_ban"]()


def test_new_action(tmp_path):
    """scripts/new-action makes what compiles, has a page, and is part of the build."""
    for name in ("actions/null", "banner", "scripts"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("actions/meson.build", "banner/action.h", "scripts/new-action",
                 *(f"actions/null/{f}" for f in ("null.c", "null.7", "meson.build"))):
        shutil.copy(TOP / name, tmp_path / name)
    done = run("sh", tmp_path / "scripts/new-action", "pager2")
    assert done.returncode == 0, done.stderr
    made = tmp_path / "actions/pager2"
    done = run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only",
               "-I", tmp_path, made / "pager2.c")
    assert done.returncode == 0, done.stderr
    for path in made.iterdir():
        left = path.read_text().replace("/dev/null", "")
        assert not re.search(r"\bnull(_|\.c|\b)(?! byte)", left), path
    build = (tmp_path / "actions/meson.build").read_text()
    assert 0 < build.index("subdir('pager2')") < build.index("foreach name, p :")
    again = run("sh", tmp_path / "scripts/new-action", "pager2")
    assert again.returncode == 1 and "is there" in again.stderr
