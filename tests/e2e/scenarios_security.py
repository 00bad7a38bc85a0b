"""Keys of builds, the Compose language's later additions, and what the command line takes from .env."""
import contextlib
import os
import pathlib
import shutil
import sqlite3

from harness import Skip, check, eventually, run

SLIM = "debian:bookworm-slim"

# Asks the agent for its keys (message 11), then to forget them all (19), and prints the types of both answers.
ASK_AGENT = """use Socket;
socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
connect($s, pack_sockaddr_un($ENV{SSH_AUTH_SOCK})) or die "connect: $!";
for my $type (11, 19) {
  syswrite $s, pack("NC", 1, $type);
  sysread $s, my $answer, 65536;
  my (undef, $kind, $count) = unpack "NCN", $answer;
  print "asked $type: answered $kind", ($kind == 12 ? " with $count" : ""), "\\n";
}
"""


def agents():
    """Process ids of every ssh-agent."""
    found = set()
    for status in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if status.read_text().strip() == "ssh-agent":
                found.add(status.parent.name)
        except OSError:
            pass
    return found


def scenario_build_keys_stay_outside(world):
    """A step with a key must reach an agent that lists it and refuses to change; never the key's bytes; no agent outlives the build."""
    if not shutil.which("ssh-keygen"):
        raise Skip("openssh-client is not installed")
    before = agents()
    check(run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", world.project / "key"]).status == 0, "no key")
    world.write("ask.pl", ASK_AGENT)
    world.write("Dockerfile", f"""FROM {SLIM}
COPY ask.pl /
RUN --mount=type=ssh,id=k perl /ask.pl >/answers && ! grep -q . "$SSH_AUTH_SOCK" 2>/dev/null
""")
    world.write("compose.yaml", "services: {a: {build: {context: ., ssh: [k=./key]}, image: 'sec-ssh:t'}}\n")
    world.consort("build")
    ran = world.consort("run", "--rm", "-T", "a", "cat", "/answers")
    check(ran.out == "asked 11: answered 12 with 1\nasked 19: answered 5\n", f"the agent answers otherwise:\n{ran}")
    eventually("the agent ends", lambda: agents() <= before)
    world.write("compose.yaml", "services: {a: {build: {context: ., ssh: [default]}, image: 'sec-ssh:t'}}\n")
    ran = world.consort("build", status=None, env={"SSH_AUTH_SOCK": ""})
    check(ran.status == 1 and "make sure SSH_AUTH_SOCK is set" in ran.err, f"without an agent:\n{ran}")
    check(run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", world.project / "key"]).status == 0, "no passphrase")
    world.write("compose.yaml", "services: {a: {build: {context: ., ssh: [k=./key]}, image: 'sec-ssh:t'}}\n")
    ran = world.consort("build", "--no-cache", status=None)
    check(ran.status == 1 and "passphrase protected" in ran.err, f"with a passphrase:\n{ran}")
    eventually("the agent ends", lambda: agents() <= before)


def scenario_settings_from_dotenv(world):
    """COMPOSE_* of .env must count as from the environment; a bare -e or --build-arg must take its value from .env too, and leave the image's where there is none."""
    world.write(".env", "COMPOSE_REMOVE_ORPHANS=1\nFROM_FILE=here\n")
    world.write("Dockerfile", f"FROM {SLIM}\nARG FROM_FILE=default\nENV KEPT=image\nRUN echo $FROM_FILE >/arg\n")
    both = "services:\n  a: {build: ., image: 'sec-env:t', command: sleep 1000}\n  b: {image: 'sec-env:t', command: sleep 1000}\n"
    world.write("compose.yaml", both)
    world.consort("build", "--build-arg", "FROM_FILE")
    world.consort("up", "-d")
    ran = world.consort("run", "--rm", "-T", "-e", "FROM_FILE", "-e", "KEPT", "a", "sh", "-c", "echo $FROM_FILE $KEPT; cat /arg")
    check(ran.out == "here image\nhere\n", f"run:\n{ran}")
    world.write("compose.yaml", both.split("  b:")[0])
    world.consort("up", "-d", "-t", "0")
    check(set(world.ps()) == {"a"}, "the orphan stays")


def scenario_build_errors_say_where(world):
    """What is missing must be named with its line and with what lies there instead."""
    world.write("compose.yaml", "services:\n  web:\n    build: ./bakcend\n")
    (world.project / "backend").mkdir()
    ran = world.consort("build", status=None)
    check("backend" in ran.err and "compose.yaml:3" in ran.err, f"a folder:\n{ran}")
    world.write("compose.yaml", "services:\n  web:\n    build: .\n")
    world.write("Dockerfile.dev", "FROM scratch\n")
    ran = world.consort("build", status=None)
    check("Dockerfile.dev" in ran.err and "compose.yaml:3" in ran.err, f"a Dockerfile:\n{ran}")
    world.write("Dockerfile", f"FORM {SLIM}\n")
    ran = world.consort("build", status=None)
    check(">>> FORM" in ran.err and "did you mean FROM?" in ran.err, f"an instruction:\n{ran}")
    world.write("Dockerfile", f"FROM {SLIM}\nCOPY requirments.txt /\n")
    world.write("requirements.txt", "")
    ran = world.consort("build", status=None)
    check("requirements.txt" in ran.err and ">>> COPY" in ran.err, f"a file:\n{ran}")
    world.write("Dockerfile", f'FROM {SLIM}\nRUN cat << "EOT" >/a\nlit $V\nEOT\nRUN cat <<- EOT >/b\n\ttwo\n\tEOT\n')
    world.write("compose.yaml", "services:\n  web: {build: ., image: 'sec-heredoc:t'}\n")
    world.consort("build")
    ran = world.consort("run", "--rm", "-T", "web", "cat", "/a", "/b")
    check(ran.out == "lit $V\ntwo\n", f"a space in <<:\n{ran}")


def scenario_a_cloned_project_takes_nothing_of_the_host(world):
    """A Compose file must get neither an interface of the host, nor another project's bridge, nor a program run by `runtime`, nor lines of its own in resolv.conf."""
    def refused(text, words, verb=("up", "-d")):
        world.write("compose.yaml", text)
        ran = world.consort(*verb, status=None)
        check(ran.status == 1 and words in ran.err, f"not refused with {words!r}:\n{ran}")
        world.consort("down", status=None)

    service = f"services: {{a: {{image: '{SLIM}', command: sleep 1000, init: true%s}}}}\n"
    world.write("victim/compose.yaml", service % "")
    world.consort("-p", "secvictim", "up", "-d", cwd=world.project / "victim")
    with contextlib.closing(sqlite3.connect(f"file:{world.data}/state.db?mode=ro", uri=True)) as records:
        (bridge,) = records.execute("SELECT bridge FROM engine_networks WHERE name = 'secvictim_default'").fetchone()
    named = service % ", networks: [n]" + "networks: {n: {driver_opts: {com.docker.network.bridge.name: '%s'}}}\n"
    refused(named % "lo", "existing interface lo is not a bridge")
    refused(named % bridge, "networks have same bridge name")
    if os.geteuid() == 0:  # who can give the host a cable
        check(run(["ip", "link", "add", "secv0", "type", "veth", "peer", "name", "secv1"]).status == 0, "no cable of the host's")
        try:
            refused(named % "secv0", "existing interface secv0 is not a bridge")
            for interface in ("secv0", bridge, "lo"):
                check(run(["ip", "link", "show", interface]).status == 0, f"{interface} is gone")
        finally:
            run(["ip", "link", "del", "secv0"])
    program = world.write("rt", "#!/bin/sh\ntouch \"$(dirname \"$0\")/taken\"\n")
    program.chmod(0o755)
    refused(service % ", runtime: '${PWD}/rt'", "unknown or invalid runtime name: ")
    refused(service % ", runtime: sh", "unknown or invalid runtime name: sh")
    check(not (world.project / "taken").exists(), "the project's program was run")
    refused(service % ', dns_search: ["a\\nnameserver 192.0.2.1"]', "is not a valid domain")
    world.consort("-p", "secvictim", "down", "-t", "0", cwd=world.project / "victim")


def scenario_a_pipe_does_not_hold_up_a_build(world):
    """A build that finds a named pipe for a file of its own must end at once and say so, not wait for a writer."""
    world.write("compose.yaml", "services: {a: {build: {context: ., secrets: [s]}, image: 'sec-pipe:t'}}\nsecrets: {s: {file: ./secret}}\n")
    for name in ("Dockerfile", ".dockerignore", "Dockerfile.dockerignore", "secret"):
        for path, text in (("Dockerfile", f"FROM {SLIM}\nRUN --mount=type=secret,id=s true\n"), ("secret", "x")):
            world.write(path, text)
        (world.project / name).unlink(missing_ok=True)
        os.mkfifo(world.project / name)
        ran = world.consort("build", status=None)
        check(ran.status != 0 and "is a named pipe, not a regular file" in ran.err + ran.out, f"{name}:\n{ran}")
        (world.project / name).unlink()
