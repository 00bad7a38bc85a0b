"""Finds a free TCP port of this host for a test to publish or serve. Run as a program, it prints one."""
import contextlib
import random
import socket


def free_port():
    """Not in the kernel's range for outgoing connections, where one might take the port before it is published."""
    for port in random.sample(range(20000, 32000), 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
    raise OSError("no port is free")


if __name__ == "__main__":
    print(free_port())
