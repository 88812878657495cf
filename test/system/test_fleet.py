# SPDX-License-Identifier: GPL-2.0-or-later
"""Bans on proxies: bannerd, the ssh action, real sshd, banner-edge, real kernels.

After every trouble the kernel of every proxy must equal the wanted set: no ban lost,
doubled or left behind.
"""
import os

import pytest

from fleet_lab import Fleet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")

NETS = [f"192.0.2.{i}" for i in range(1, 40)]


@pytest.fixture
def two():
    with Fleet(2) as one:
        yield one


def ban(lab, *addrs):
    lab.ok("banip", "sshd", *addrs)


def test_a_ban_appears_on_every_proxy_and_goes(two):
    two.start()
    two.fail("192.0.2.7", 3)
    two.wait_all({"192.0.2.7"})
    ban(two, "2001:db8:7::/64", "203.0.113.0/24")
    two.wait_all({"192.0.2.7", "2001:db8:7::/64", "203.0.113.0/24"})
    two.ok("unbanip", "192.0.2.7")
    two.wait_all({"2001:db8:7::/64", "203.0.113.0/24"})
