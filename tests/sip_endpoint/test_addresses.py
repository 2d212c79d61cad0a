"""Addresses as the kernel has them, and as we do."""

from __future__ import annotations

import socket

import pytest

from bridge.protocols.sip_endpoint.addresses import KernelAddress, family_of, host_port, kernel_address


@pytest.mark.parametrize(
    ("kernel", "ours"),
    [
        (("192.0.2.1", 5060), ("192.0.2.1", 5060)),
        (("fe80::1", 5060, 0, 4), ("fe80::1%4", 5060)),
    ],
)
def test_there_and_back(kernel: KernelAddress, ours: tuple[str, int]) -> None:
    assert host_port(kernel) == ours
    assert kernel_address(ours) == kernel


def test_without_a_scope() -> None:
    assert host_port(("2001:db8::1", 5060, 7, 0)) == ("2001:db8::1", 5060)
    assert kernel_address(("2001:db8::1", 5060)) == ("2001:db8::1", 5060)


def test_the_name_of_an_interface() -> None:
    """As a person writes it."""
    assert kernel_address(("fe80::1%lo", 5060)) == ("fe80::1", 5060, 0, socket.if_nametoindex("lo"))


def test_family() -> None:
    assert [family_of(host) for host in ("192.0.2.1", "::1")] == [socket.AF_INET, socket.AF_INET6]
