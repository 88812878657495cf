# SPDX-License-Identifier: GPL-2.0-or-later
"""Plugin nft under the whole daemon: without root, in the sandbox, for two jails."""
import json
import os
import time

import pytest

from lab import BUILD, Lab, wait_for

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace"),
    pytest.mark.skipif(not (BUILD / "actions/nft.so").exists(),
                       reason="built without nft"),
]


def nft(lab, *args):
    return lab.run_host("ip", "netns", "exec", lab.ns, "nft", *args)


def sets(lab):
    """Addresses by set."""
    found = {}
    for o in json.loads(nft(lab, "-j", "list", "ruleset"))["nftables"]:
        if "set" in o:
            found[o["set"]["name"]] = {
                e["elem"]["val"] if isinstance(e, dict) else e
                for e in o["set"].get("elem", [])}
    return found


def test_ban_to_unban():
    with Lab(jails=()) as lab:
        lab.jail("sshd", action="nft[port=ssh]")
        lab.jail("all", maxretry=5, action="nft\n\troute[ingress=yes, kill_sessions=yes]")
        lab.make_accounts()
        lab.ip("link", "add", "d0", "type", "veth", "peer", "name", "d1")
        lab.ip("addr", "add", "203.0.113.1/24", "dev", "d0")
        for dev in "d0", "d1":
            lab.ip("link", "set", dev, "up")
        lab.ip("route", "add", "default", "via", "203.0.113.2")
        lab.start()
        # No right but that of the network.
        actors = [p for r, p in lab.children().items() if r == "banner-actor"]
        for pid in actors:
            with open(f"/proc/{pid}/status") as f:
                status = dict(line.split(":\t", 1) for line in f)
            assert status["Uid"].split()[0] == "61001"
            assert int(status["CapEff"], 16) == 1 << 12     # CAP_NET_ADMIN
            assert status["Seccomp"].strip() == "2"
        start = time.monotonic()
        lab.fail("192.0.2.1", 3)
        wait_for(lambda: sets(lab) == {"ban_tcp_22_v4": {"192.0.2.1"}}, 5, "the ban")
        assert time.monotonic() - start < 1
        lab.fail("192.0.2.1", 2)
        wait_for(lambda: sets(lab).get("ban_v4") == {"192.0.2.1"}, 5, "the second")
        wait_for(lambda: lab.routes() == {"192.0.2.1"}, 5, "the route")
        assert nft(lab, "list", "chain", "inet", "banner", "ingress").count("oif") == 2
        nft(lab, "flush", "ruleset")
        both = {"ban_tcp_22_v4": {"192.0.2.1"}, "ban_v4": {"192.0.2.1"}}
        wait_for(lambda: sets(lab) == both, 2, "the repair")
        lab.ok("set", "sshd", "banip", "2001:db8:5::/64", "--wait")
        both["ban_tcp_22_v6_64"] = {"2001:db8:5::"}
        assert sets(lab) == both
        assert lab.stop() == 0
        assert sets(lab) == both        # an upgrade opens no door
        lab.start()
        assert sets(lab) == both
        lab.ok("set", "sshd", "unbanip", "2001:db8:5::/64", "--wait")
        assert sets(lab)["ban_tcp_22_v6_64"] == set()
        lab.ok("stop", "--unban")
        wait_for(lambda: lab.proc.poll() is not None, 10, "the end")
        assert "ban" not in nft(lab, "list", "ruleset").replace("banner", "")
        assert lab.routes() == set()
