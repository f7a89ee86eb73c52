"""The listening socket: what its connections inherit, and addresses that cannot be had."""

import socket

import pytest

from pingze.errors import InputError
from pingze.serve.server import listen


def test_an_accepted_connection_sends_at_once() -> None:
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_one_line() -> None:
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(InputError, match=rf"^cannot listen at 127.0.0.1 port {port}: .*; choose another"):
            listen("127.0.0.1", port)
