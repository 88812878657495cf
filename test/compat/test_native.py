# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock action files that plugins of ours stand in for: which, and as what."""
import os
import shutil
import subprocess

import pytest

import theirs

BANNERD = os.path.join(os.environ.get("BUILD", "build"), "bannerd")
STOCK = str(theirs.CONFIG)

pytestmark = [
    pytest.mark.skipif(not os.path.exists(STOCK + "/jail.conf"),
                       reason="needs Debian's fail2ban package"),
    pytest.mark.skipif(not os.path.exists(os.path.dirname(BANNERD) + "/actions/nft.so"),
                       reason="built without nft"),
]


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "fail2ban"
    shutil.copytree(STOCK, copy)
    shutil.rmtree(copy / "jail.d", ignore_errors=True)
    return copy


def read(folder, action):
    """Plugin, scope and options of the one action of one jail, and why."""
    (folder / "jail.local").write_text(
        "[a]\nenabled = true\nfilter = sshd\nbackend = polling\nlogpath = /dev/null\n"
        f"port = 0:1\naction = {action}\n")
    text = subprocess.run([BANNERD, "-c", folder, "--dump"], check=True, text=True,
                          capture_output=True).stdout
    part = text.split("[action 0]\n")[1].split("\n\n")[0]
    found = dict(line.split(" = ", 1) for line in part.splitlines() if " = " in line)
    return (found["plugin"], found.get("scope", ""),
            found.get("option verdict", ""), found["why"])


@pytest.mark.parametrize("action,scope,verdict", [
    ("nftables[port=22]", "tcp/22", "reject"),
    ("nftables[port=22, protocol=\"tcp,udp\"]", "tcp,udp/22", "reject"),
    ("nftables[type=allports]", "tcp", "reject"),
    ("nftables[type=multiport, port=22, blocktype=drop, table=t]", "tcp/22", "drop"),
    ("nftables-multiport[port=\"ssh,6000:6010\"]", "tcp/ssh,6000:6010", "reject"),
    ("nftables-allports", "tcp", "reject"),
    ("iptables[port=22]", "tcp/22", "reject"),
    ("iptables[type=allports, protocol=all]", "", "reject"),
    ("iptables-new[port=22]", "tcp/22", "reject"),
    ("iptables-multiport[port=\"22,80\", blocktype=DROP]", "tcp/22,80", "drop"),
    ("iptables-multiport[name=x, port=22, chain=INPUT]", "tcp/22", "reject"),
    ("iptables-allports", "tcp", "reject"),
    ("iptables-ipset[port=22]", "tcp/22", "reject"),
    ("iptables-ipset-proto4[port=22]", "tcp/22", "reject"),
    ("iptables-ipset-proto6[port=22]", "tcp/22", "reject"),
    ("iptables-ipset-proto6-allports", "tcp", "reject"),
])
def test_native(folder, action, scope, verdict):
    plugin, found, how, why = read(folder, action)
    assert plugin == "nft" and "stock commands" in why
    assert (found.strip(), how) == (scope, verdict)


@pytest.mark.parametrize("action,because", [
    ("iptables-multiport[port=22, chain=DOCKER-USER]", "chain is not INPUT"),
    ("iptables-multiport[port=22, blocktype=\"REJECT --reject-with tcp-reset\"]",
     "blocktype"),
    ("nftables[port=22, chain_hook=forward]", "changed by an option"),
    ("iptables-allports[rule-jump=\"-j LOG\"]", "changed by an option"),
    ("iptables-allports[actionban=\"true <ip>\"]", "changed by an option"),
    ("iptables[port=no-such-port]", "ports are not numbers"),
    ("iptables-multiport-log[port=22]", "no plugin of ours"),
])
def test_options_that_change_it(folder, action, because):
    plugin, _, _, why = read(folder, action)
    assert plugin == "exec" and because in why


@pytest.mark.parametrize("edit", [
    "[Definition]\nactionban = <iptables> -I f2b-<name> 1 -s <ip> -j LOG\n",
    "[Definition]\nactionstart = true\n",
    "[Init]\niptables = /usr/local/bin/iptables\n",
    "[Init?family=inet6]\nblocktype = ACCEPT\n",
])
def test_edited(folder, edit):
    (folder / "action.d/iptables.local").write_text(edit)
    plugin, _, _, why = read(folder, "iptables-multiport[port=22]")
    assert plugin == "exec", why


@pytest.mark.parametrize("edit", [
    "[Init]\nblocktype = DROP\n[Init?family=inet6]\nblocktype = DROP\n",
    "[Init]\nprotocol = udp\n",
])
def test_other_defaults(folder, edit):
    """A changed default of an option is as good as the option."""
    (folder / "action.d/iptables.local").write_text(edit)
    plugin, scope, verdict, why = read(folder, "iptables-multiport[port=22]")
    assert plugin == "nft", why
    assert (scope, verdict) in (("tcp/22", "drop"), ("udp/22", "reject"))


def test_native_no_and_yes(folder):
    (folder / "banner.conf").write_text("[bannerd]\nnative = no\n")
    assert read(folder, "nftables[port=22]")[0] == "exec"
    (folder / "banner.conf").write_text("[bannerd]\nnative = yes\n")
    (folder / "action.d/iptables.local").write_text("[Definition]\nactionstart = true\n")
    plugin, scope, _, why = read(folder, "iptables-multiport[port=22]")
    assert (plugin, scope) == ("nft", "tcp/22") and "although" in why


def test_every_stock_jail_starts(folder):
    """Each with the action that the stock files give it, jails without a port too."""
    (folder / "jail.local").write_text("[DEFAULT]\nenabled = true\n")
    done = subprocess.run([BANNERD, "-c", folder, "-t"], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout
    assert "error: " not in done.stdout and "warning: " not in done.stdout
    assert ", tcp/0:65535: plugin nft" in done.stdout
