"""Published ports, names and networks under load and beside each other."""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import CONSORT, Skip, check, eventually, free_port

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


PEER = "use IO::Socket::INET; $l = IO::Socket::INET->new(LocalPort => 80, Listen => 9); while ($c = $l->accept) { print $c $c->peerhost; close $c }"


def own_address():
    """Another address of this machine than loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outwards:
        try:
            outwards.connect(("192.0.2.1", 9))
        except OSError:
            raise Skip("this machine has no address but loopback") from None
        return outwards.getsockname()[0]


def scenario_a_container_sees_its_clients_address(world):
    """The server behind a published port must see who its client is, also after the supervisor was killed."""
    address, port = own_address(), free_port()
    world.write("compose.yaml", f"services:\n  a: {{{SLIM}, command: [perl, -e, '{PEER.replace('$', '$$')}'], ports: ['{port}:80']}}\n")

    def seen():
        with socket.create_connection((address, port), timeout=30) as connection:
            return connection.recv(100).decode()

    world.consort("up", "-d")
    eventually("it answers", seen)
    check(seen() == address, f"{seen()} instead of {address}")
    kill_supervisors(world)
    check(seen() == address, f"{seen()} instead of {address} after the kill")
    world.consort("down", "-t", "0")


def scenario_an_upgrade_replaces_supervisors(world):
    """After an upgrade, `version` must name projects with old supervisors, and the next command must replace them; no container may notice."""
    programs, port = world.folder / "programs", free_port()
    programs.mkdir()
    for program in CONSORT.parent.glob("consort-*"):
        if program.is_file() and os.access(program, os.X_OK):
            shutil.copy(program, programs)
    world.env["CONSORT_LIBEXEC"] = str(programs)
    world.write("echo.pl", ECHO)
    count = "sh -c 'i=0; while :; do echo $$i; i=$$((i+1)); sleep 0.02; done & exec perl /echo.pl'"
    world.write("compose.yaml", f"services:\n  a: {{{SLIM}, command: {count}, ports: ['{port}:80'], volumes: ['./echo.pl:/echo.pl:ro']}}\n")
    world.consort("up", "-d")
    eventually("it answers", lambda: connect("127.0.0.1", port).close() is None)
    connection = connect("127.0.0.1", port)
    time.sleep(0.3)  # younger ones may be lost
    before, running = world.supervisor_pids(), world.consort("ps", "-q").out
    pid = world.consort("inspect", "-f", "{{.State.Pid}}", running.strip()).out
    check(world.project_name not in world.consort("version").out, "it is called outdated")
    with (programs / "new").open("wb") as new:
        new.write((programs / "consort-supervisor").read_bytes() + b"\0")
    (programs / "new").chmod(0o755)
    (programs / "new").rename(programs / "consort-supervisor")
    check(f"project {world.project_name} " in world.consort("version").out, "it is not called outdated")
    check(world.supervisor_pids() == before, "looking replaced it")
    world.consort("up", "-d")
    after = eventually("there is another", lambda: world.supervisor_pids())
    check(not set(after) & set(before), "it was not replaced")
    check(world.project_name not in world.consort("version").out, "it is called outdated still")
    check(world.consort("inspect", "-f", "{{.State.Pid}}", running.strip()).out == pid, "the container was started anew")
    say(connection, b"still here\n")
    world.consort("stop", "-t", "0")
    lines = world.consort("logs", "--no-log-prefix").out.split()
    check(lines == [str(i) for i in range(len(lines))], f"lines are missing among {len(lines)}")
    world.consort("down")


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
  from=$(date +%s%N); RES_OPTIONS="timeout:10 attempts:1" getent hosts neighbour >/dev/null || echo lost; to=$(date +%s%N)
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
    check(took and "lost" not in took, f"look-ups: {took[:50]}")
    times = sorted(int(t) for t in took)
    print(f"{len(times)} look-ups, 99th percentile {times[int(len(times) * 0.99)]} ms, worst {times[-1]} ms", flush=True)
    # Where each port has a turn of its own to itself, look-ups wait for 16 s, and are lost after 10 (the figures above are for who looks).
    world.consort("down", "-t", "0")


def scenario_names_from_the_first_moment(world):
    """What a container does first may be to ask for a name: its own, and what it depends on, must be there."""
    services = "".join(f"  s{i}: {{{SLIM}, command: getent hosts s{i}}}\n" for i in range(12))
    world.write("compose.yaml", f"services:\n{services}")
    world.consort("up", "-d")
    eventually("all have asked", lambda: {c["State"] for c in world.ps_all()} == {"exited"} and len(world.ps_all()) == 12)
    lost = [c["Service"] for c in world.ps_all() if c["ExitCode"] != 0]
    check(not lost, f"their own name was not there for: {lost}")
    world.consort("down", "-t", "0")


def scenario_internal_networks_are_closed(world):
    """What is on internal networks only must publish nothing and reach no published port; it asks the name servers that it was given."""
    world.write("echo.pl", ECHO)
    world.write("names.pl", """\
use strict; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 53, Proto => 'udp') or die;
while ($s->recv(my $q, 512)) {
  my $end = index($q, "\\0", 12) + 5; my $a = unpack('n', substr($q, $end - 4, 2)) == 1;
  $s->send(substr($q, 0, 2) . pack('n5', 0x8180, 1, $a ? 1 : 0, 0, 0) . substr($q, 12, $end - 12)
    . ($a ? pack('nnnNnC4', 0xc00c, 1, 1, 60, 4, 192, 0, 2, 80) : '')) }
""")
    world.write("compose.yaml", f"""\
services:
  open: {{{SLIM}, command: perl /echo.pl, ports: ['18821:80'], networks: [out], volumes: ['./echo.pl:/echo.pl:ro']}}
  closed: {{{SLIM}, command: perl /echo.pl, ports: ['18822:80', '127.0.0.1:18823:80'], networks: [in], volumes: ['./echo.pl:/echo.pl:ro'], dns: 10.231.77.53}}
  both: {{{SLIM}, command: perl /echo.pl, ports: ['18824:80'], networks: [in, out], volumes: ['./echo.pl:/echo.pl:ro']}}
  names: {{{SLIM}, command: perl /names.pl, networks: {{in: {{ipv4_address: 10.231.77.53}}}}, volumes: ['./names.pl:/names.pl:ro']}}
networks:
  in: {{internal: true, ipam: {{config: [{{subnet: 10.231.77.0/24}}]}}}}
  out: {{}}
""")
    world.consort("up", "-d")
    for port in (18821, 18824):
        eventually(f"{port} answers", lambda port=port: connect("127.0.0.1", port).close() is None)
    for port in (18822, 18823):
        with socket.socket() as taken:  # not even held
            check(taken.connect_ex(("127.0.0.1", port)) != 0, f"{port} is published")
            taken.close()
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))
    check("1882" not in world.consort("ps", "--format", "json", "closed").out, "ps shows ports that are not published")

    def reaches(service, address, port, patience=60):
        return world.consort("exec", "-T", service, "timeout", str(patience), "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}", status=None).status == 0

    check(not reaches("closed", "10.231.77.1", 18821, patience=1), "a published port is reached through the internal gateway")
    check(reaches("closed", "both", 80), "its own network is not reached")
    check(reaches("both", "open", 80), "the other network is not reached")
    found = world.consort("exec", "-T", "closed", "getent", "ahostsv4", "example.com").out
    check("192.0.2.80" in found, f"the server of dns: was not asked: {found!r}")
    world.consort("down", "-t", "0")


def scenario_a_changed_network_keeps_its_containers(world):
    """Containers must go on as the ones they were, on the new network, after `up` with a changed or renamed one; others join and leave while they run."""
    service = f"{{{SLIM}, command: sleep 600, networks: [n]}}"

    def compose(network):
        world.write("compose.yaml", f"services: {{a: {service}, b: {service}}}\nnetworks: {{n: {network}}}\n")

    def ids():
        return world.consort("ps", "-q", "--no-trunc").out.split()

    compose("{}")
    world.consort("up", "-d")
    world.consort("exec", "a", "sh", "-c", "echo kept > /written")
    before = ids()
    for network in ("{ipam: {config: [{subnet: 10.97.0.0/24}]}}", "{name: keeper-net, ipam: {config: [{subnet: 10.97.1.0/24}]}}"):
        compose(network)
        world.consort("up", "-d")
        check(ids() == before, f"other containers: {before}, now {ids()}")
        check(world.consort("exec", "a", "cat", "/written").out == "kept\n", "the writable layer is another one")
        found = world.consort("exec", "a", "getent", "hosts", "b").out
        check(found.startswith("10.97."), f"b is {found}")
    names = world.consort("network", "ls", "--format", "{{.Name}}").out.split()
    check("keeper-net" in names and f"{world.project_name}_n" not in names, f"networks: {names}")

    world.consort("network", "create", "--subnet", "10.97.2.0/24", "guest-net")
    a = world.service("a")["Name"]
    world.consort("network", "connect", "--alias", "guest", "--ip", "10.97.2.9", "guest-net", a)
    again = world.consort("network", "connect", "guest-net", a, status=1)
    check(f"endpoint with name {a} already exists in network guest-net" in again.err, again.err)
    check(world.consort("exec", "a", "getent", "hosts", "guest").out.startswith("10.97.2.9"), "no name for the new network")
    check("10.97.2.9" in world.consort("exec", "a", "cat", "/etc/hosts").out, "not in /etc/hosts")
    world.consort("network", "disconnect", "guest-net", a)
    check(world.consort("exec", "a", "sh", "-c", "getent hosts guest || echo none").out == "none\n", "the name stays")
    check("10.97.2.9" not in world.consort("exec", "a", "cat", "/etc/hosts").out, "still in /etc/hosts")
    gone = world.consort("network", "disconnect", "guest-net", a, status=1)
    check("is not connected to network guest-net" in gone.err, gone.err)
    world.consort("network", "rm", "guest-net")
    world.consort("down")


def scenario_networks_beyond_nat(world):
    """Containers must be on the host's network by macvlan, open at their own addresses by routed, and without a gateway by isolated."""
    option, port = "com.docker.network.bridge", free_port()
    world.write("echo.pl", ECHO)
    world.write("compose.yaml", f"""\
x-echo: &echo {{{SLIM}, command: perl /echo.pl, volumes: ['./echo.pl:/echo.pl:ro']}}
services:
  a: {{<<: *echo, networks: [lan], ports: ['80']}}
  b: {{<<: *echo, networks: [lan]}}
  routed: {{<<: *echo, networks: [routed], ports: ['0.0.0.0:{port}:80']}}
  shut: {{<<: *echo, networks: [shut]}}
networks:
  lan: {{driver: macvlan, driver_opts: {{parent: e2elan}}, ipam: {{config: [{{subnet: 10.231.78.0/24}}]}}}}
  routed: {{driver_opts: {{{option}.gateway_mode_ipv4: routed, com.docker.network.container_iface_prefix: way}}}}
  shut: {{internal: true, driver_opts: {{{option}.gateway_mode_ipv4: isolated}}, ipam: {{config: [{{subnet: 10.231.79.0/24}}]}}}}
""")
    missing = world.consort("up", "-d", status=1).err
    check("parent interface was not found on the host: e2elan" in missing and "compose.yaml:" in missing, missing)
    subprocess.run("ip link del e2elan 2>/dev/null; ip link add e2elan type veth peer name e2efar && ip link set e2elan up && ip link set e2efar up", shell=True, check=True)
    try:
        world.consort("up", "-d")

        def inside(service, command):
            return world.consort("exec", "-T", service, "bash", "-c", command).out

        reach_b = "timeout 60 bash -c 'until exec 3<>/dev/tcp/b/80; do sleep 0.1; done' && echo reached"
        check(inside("a", reach_b) == "reached\n", "a neighbour is not reached by name")
        ports = {each["Service"]: each["Ports"] for each in world.ps_all()}
        check(ports["routed"] == "0.0.0.0:0->80/tcp" and ports["a"] == "", f"ps shows {ports}")
        check("way0" in inside("routed", "cat /proc/net/dev"), "not the interface's prefix")
        address = inside("routed", "hostname -i").strip()
        connect(address, 80).close()
        with socket.socket() as taken:
            check(taken.connect_ex(("127.0.0.1", port)) != 0, "the host's port is published as well")
        check(inside("shut", "hostname -i") == "10.231.79.1\n", "somebody has the first address")
        check("00000000" not in inside("shut", "cut -f2 /proc/net/route"), "there is a default route")
        kill_supervisors(world)
        check(inside("a", reach_b) == "reached\n", "not after a takeover")
        world.consort("down", "-t", "0")
        world.consort("network", "create", "-d", "macvlan", "-o", "parent=e2elan", "--subnet", "10.231.80.0/24", "unusedlan")
        check("unusedlan" in world.consort("network", "ls", "--filter", "dangling=true").out, "only bridges are dangling")
        check("unusedlan" in world.consort("network", "prune", "-f").out, "only bridges are pruned")
        check("unusedlan" not in world.consort("network", "ls").out, "pruned")
    finally:
        subprocess.run(["ip", "link", "del", "e2elan"], check=False)
