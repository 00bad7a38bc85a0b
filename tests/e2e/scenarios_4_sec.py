"""Keys of builds, the Compose language's later additions, and what the command line takes from .env."""
import pathlib
import shutil

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
