# SPDX-License-Identifier: GPL-2.0-or-later
"""usedns: the log names a host, all its addresses are counted."""
import os

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.fixture
def lab():
    with Lab() as one:
        one.hosts(bad_example=["192.0.2.7", "2001:db8:7::7"], ours_example=["198.51.100.1"],
                  **{f"h{i}_example": [f"192.0.2.{100 + i}"] for i in range(30)})
        yield one


@pytest.mark.parametrize("usedns", ["yes", "warn"])
def test_every_address_of_a_name(lab, usedns):
    lab.jail("sshd", more=f"usedns = {usedns}\n")
    lab.start()
    assert "banner-helper" in lab.children()
    lab.fail("bad.example", 2)
    lab.fail("192.0.2.7")               # the same host, once by its address
    lab.wait_routes("192.0.2.7")
    lab.fail("BAD.example")
    lab.wait_routes("192.0.2.7", "2001:db8:7::/64")
    assert ("bad.example is 192.0.2.7, 2001:db8:7::7" in lab.logged()
            or "bad.example is 2001:db8:7::7, 192.0.2.7" in lab.logged()) == (usedns == "warn")
    assert "Found 192.0.2.7" in lab.logged() and "Found bad" not in lab.logged()
    assert "names:\t3 failures named a host" in lab.ok("status")


def test_sixteen_addresses_of_a_name(lab):
    addrs = [f"192.0.2.{n}" for n in range(1, 21)]
    lab.hosts(many_example=addrs)
    lab.jail("sshd", maxretry=1, more="usedns = yes\n")
    lab.start()
    lab.fail("many.example")
    wait_for(lambda: len(lab.banned()) == 16, 10, "sixteen bans")
    assert ", 4 addresses left out" in lab.ok("status")


def test_no_means_no(lab):
    lab.jail("sshd", more="usedns = no\n")
    lab.start()
    assert "banner-helper" not in lab.children()
    lab.fail("bad.example", 3)
    lab.fail("192.0.2.9", 3)
    lab.wait_routes("192.0.2.9")
    assert lab.banned() == {"192.0.2.9"}


def test_raw_is_the_name_itself(lab):
    lab.jail("sshd", action="null", more="usedns = raw\n")
    lab.start()
    lab.fail("bad.example", 3)
    wait_for(lambda: lab.banned() == {"bad.example"})


def test_names_without_address_and_ours(lab):
    """Nothing is banned under a name, and the guard holds behind a name too."""
    lab.jail("sshd", more="usedns = yes\n")
    lab.start()
    lab.fail("nowhere.invalid", 3)
    lab.fail("ours.example", 3)
    for number in ("3221225994", "0xc000020a", "0300.0.2.10", "192.0.522"):
        lab.fail(number, 3)             # old spellings of 192.0.2.10
    wait_for(lambda: "no address is known for nowhere.invalid" in lab.logged(), 10)
    lab.says("Ignore 198.51.100.1 by ignoreself")
    assert lab.banned() == set()
    assert "15 had no address" in lab.ok("status")


def test_many_names_and_a_helper_that_dies(lab):
    lab.jail("sshd", maxretry=1, more="usedns = yes\n")
    lab.start()
    for i in range(30):
        lab.fail(f"h{i}.example")
    lab.wait_routes(*(f"192.0.2.{100 + i}" for i in range(30)), seconds=10)
    old = lab.kill("banner-helper")
    wait_for(lambda: lab.children().get("banner-helper") not in (None, old))
    lab.fail("bad.example")
    lab.wait_routes("2001:db8:7::/64", "192.0.2.7",
                    *(f"192.0.2.{100 + i}" for i in range(30)), seconds=10)
