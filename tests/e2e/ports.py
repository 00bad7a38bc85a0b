"""A free TCP port of this host, for what a test publishes or serves. As a program it prints one."""
import contextlib
import random
import socket


def free_port():
    """Of those that the kernel does not give to connections: one of these would have it when it is published."""
    for port in random.sample(range(20000, 32000), 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
    raise OSError("no port is free")


if __name__ == "__main__":
    print(free_port())
