"""Published ports, names and networks under load and beside each other."""
import os
import signal
import socket
import threading
import time

from harness import check, eventually

SLIM = 'image: "debian:bookworm-slim", init: true'

# Answers each line with the same line, on as many connections as come.
ECHO = """\
use strict; use IO::Socket::INET; use IO::Select;
my $l = IO::Socket::INET->new(LocalPort => 80, Listen => 128, ReuseAddr => 1) or die; my $s = IO::Select->new($l);
while (1) { for my $h ($s->can_read) { if ($h == $l) { $s->add($l->accept); next }
  my $n = sysread $h, my $b, 65536; if (!$n) { $s->remove($h); close $h; next } my $o = 0;
  while ($o < $n) { $o += syswrite $h, $b, $n - $o, $o } } }
"""


def say(connection, text):
    connection.sendall(text)
    got = b""
    while len(got) < len(text):
        part = connection.recv(65536)
        check(part, f"the connection ended after {got!r} of {text!r}")
        got += part
    check(got == text, f"{got!r} came back for {text!r}")


def connect(address, port):
    connection = socket.create_connection((address, port), timeout=30)
    say(connection, b"first\n")
    return connection


def kill_supervisors(world):
    before = world.supervisor_pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually("a successor serves", lambda: world.supervisor_pids() and not set(world.supervisor_pids()) & set(before))


def scenario_connections_outlive_a_supervisor(world):
    """Connections through 127.0.0.1, ::1 and the host's own address must go on, with all their bytes, through five kills of the supervisor."""
    world.write("echo.pl", ECHO)
    world.write("compose.yaml", f"services:\n  a: {{{SLIM}, command: perl /echo.pl, ports: ['18811:80'], volumes: ['./echo.pl:/echo.pl:ro']}}\n")
    world.consort("up", "-d")
    eventually("it answers", lambda: connect("127.0.0.1", 18811).close() is None)
    connections = [connect("127.0.0.1", 18811), connect("::1", 18811), connect("127.0.0.1", 18811)]
    time.sleep(0.3)  # younger ones may be lost
    failures, over = [], threading.Event()

    def talk():
        number = 0
        while not over.is_set() and number < 100000:
            number += 1
            try:
                say(connections[2], (b"%06d " % number) * 4000)
            except Exception as failure:
                failures.append(failure)
                return

    talker = threading.Thread(target=talk)
    talker.start()
    for _ in range(5):
        kill_supervisors(world)
        for connection in connections[:2]:
            say(connection, b"still here\n")
    over.set()
    talker.join(60)
    check(not failures and not talker.is_alive(), f"the busy connection: {failures}")
    for connection in connections:
        connection.close()
    say(connect("127.0.0.1", 18811), b"a new one\n")
    world.consort("down", "-t", "0")


def scenario_many_ports_beside_a_neighbour(world):
    """A container with 900 UDP ports must start, be reached and go, while a neighbour's names are answered at once."""
    world.write("ask.sh", """\
while :; do
  from=$(date +%s%N); getent hosts neighbour >/dev/null || echo lost; to=$(date +%s%N)
  echo $(((to - from) / 1000000))
done
""")
    world.write("compose.yaml", f"""\
services:
  neighbour: {{{SLIM}, command: bash /ask.sh, volumes: ['./ask.sh:/ask.sh:ro']}}
  many: {{{SLIM}, command: sleep 1000, ports: ['20000-20899:20000-20899/udp'], profiles: [many]}}
""")
    world.consort("up", "-d")
    world.consort("up", "-d", "many")
    check(world.consort("port", "--protocol", "udp", "many", "20899").out.strip().endswith(":20899"), "the last port is not published")
    world.consort("rm", "-sf", "many")
    took = world.consort("logs", "--no-log-prefix", "neighbour").out.split()
    check("lost" not in took and len(took) > 20, f"look-ups: {took[:50]}")
    times = sorted(int(t) for t in took)
    print(f"{len(times)} look-ups, 99th percentile {times[int(len(times) * 0.99)]} ms, worst {times[-1]} ms", flush=True)
    # Where each port has a turn of its own to itself, look-ups wait for seconds.
    check(times[-1] < 2000, f"a name took {times[-1]} ms")
    world.consort("down", "-t", "0")
