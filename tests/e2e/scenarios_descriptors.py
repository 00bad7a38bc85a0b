"""What flows between a command and the processes in containers: every byte, and nothing else."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

from harness import CONSORT, check, eventually

# Each descriptor as "fd N TARGET DEVICE:INODE MOUNT", and what else of a file system a process holds. What Perl opens itself, it
# opens after it has looked. Into a file, if there is one; then it sleeps, if told so.
LOOK = r"""
my $p = "/proc/$$"; my %l = map { my $t = readlink "$p/fd/$_"; defined $t ? ($_ => $t) : () } 0 .. 1023; my $text = "";
sub lines { open(my $f, "<", $_[0]) or die $_[0]; my @l = <$f>; close $f; return @l }
for my $n (sort { $a <=> $b } keys %l) {
  my @s = stat "$p/fd/$n"; my ($m) = map { /^mnt_id:\s*(\d+)/ ? $1 : () } lines("$p/fdinfo/$n");
  $text .= "fd $n $l{$n} $s[0]:$s[1] $m\n";
}
$text .= "link $_ " . readlink("$p/$_") . "\n" for ("cwd", "root", "exe");
my @r = stat "$p/root/"; my @c = stat "$p/cwd/"; $text .= "where $r[0]:$r[1] $c[0]:$c[1]\n";
$text .= "mounts " . join(" ", map { (split)[0] } lines("$p/mountinfo")) . "\n";
my $to = shift // "-"; if ($to eq "-") { syswrite STDOUT, $text } else { open(my $o, ">", "$to.new"); print $o $text; close $o; rename "$to.new", $to }
sleep 1000 if shift;
"""


def look(*arguments):
    return ["perl", "-e", LOOK.replace("\n  ", " ").strip(), *arguments]


def in_yaml(argv):
    return json.dumps(argv).replace("$", "$$")


def identity(path):
    st = os.stat(path)
    return f"{st.st_dev}:{st.st_ino}"


def check_look(kind, text, of_host):
    """Pipes that nobody else knows, and files of the container's own mounts; nothing above 2."""
    lines = [line for line in text.replace("\r", "").splitlines() if line.split(" ")[0] in ("fd", "link", "where", "mounts")]
    mounts = [line.split()[1:] for line in lines if line.startswith("mounts")]
    check(mounts and any(line.startswith("fd 0 ") for line in lines), f"{kind}: no answer: {text}")
    for line in lines:
        words = line.split()
        if words[0] == "fd":
            check(len(words) == 5, f"{kind}: {line}")
            check(int(words[1]) <= 2, f"{kind} has more than its standard streams: {line}")
            # Without root nobody can make devices: the null device of a container is the host's, bound.
            null = os.geteuid() != 0 and words[2] == "/dev/null"
            check(null or words[3] not in of_host, f"{kind} holds what its caller holds: {line}")
            ours = words[2].startswith("pipe:[") or (words[4] in mounts[0] and words[2].startswith(("/dev/null", "/dev/pts/", "/dev/console")))
            check(ours, f"{kind}: {line}\n{text}")
        if words[0] == "link":
            check(words[2] in ("/", "/usr/bin/perl"), f"{kind}: {line}")
        if words[0] == "where":
            check(words[1] == words[2] and words[1] not in of_host, f"{kind}: {line}")


def scenario_descriptors(world):
    """No process in a container, of whatever kind, must hold a descriptor that its caller or the host holds."""
    external = shutil.which("runc")
    world.write("Dockerfile", f"FROM debian:bookworm-slim\nRUN {json.dumps(look('/built'))}\n")
    stay = in_yaml(look("-", "stay"))
    services = {"main": "", "input": "stdin_open: true, ", "terminal": "tty: true, "}
    if external:
        services |= {"external": "runtime: runc, ", "externalterminal": "runtime: runc, tty: true, "}
    text = "services:\n" + "".join(f"  {name}:\n    {{build: ., {more}command: {stay}" + (
        f", healthcheck: {{test: {in_yaml(['CMD', *look('/probed')])}, interval: 1s, retries: 1000}}"
        f", post_start: [{{command: {in_yaml(look('/hooked'))}}}]" if name == "main" else "") + "}\n" for name, more in services.items())
    world.write("compose.yaml", text)
    # The caller: files for its standard streams, and three more that its shell has opened without care.
    host = world.folder
    (host / "in").write_text("input\n")
    others = [os.open(host, os.O_RDONLY), os.open(host / "extra", os.O_RDWR | os.O_CREAT), os.open("/dev/null", os.O_RDWR)]
    of_host = {identity(p) for p in (host, host / "in", host / "extra", "/dev/null", "/", "/dev/ptmx", world.project)}

    def call(*argv, status=0):
        with open(host / "in") as i, open(host / "out", "w") as o, open(host / "err", "w") as e:
            of_host.update((identity(host / "out"), identity(host / "err")))
            done = subprocess.run([str(CONSORT), *argv], cwd=world.project, env=world.env, stdin=i, stdout=o, stderr=e,
                                  pass_fds=others, timeout=200)
        text = (host / "out").read_text()
        check(status is None or done.returncode == status, f"{argv}: {done.returncode}\n{text}{(host / 'err').read_text()}")
        return text

    try:
        for fd in others:
            os.set_inheritable(fd, True)
        call("up", "-d", "--build")
        for service in services:
            check_look(f"the container {service}", eventually(f"{service} looks", lambda s=service: (
                lambda t: t if "mounts" in t else "")(call("logs", "--no-log-prefix", s))), of_host)
        check_look("a RUN step", call("exec", "-T", "main", "cat", "/built"), of_host)
        check_look("a hook", call("exec", "-T", "main", "cat", "/hooked"), of_host)
        check_look("a health check", eventually("it is probed", lambda: call("exec", "-T", "main", "cat", "/probed", status=None)), of_host)
        for service in services:
            check_look(f"exec -T {service}", call("exec", "-T", service, *look()), of_host)
            call("exec", "-d", service, *look("/done"))
            check_look(f"exec -d {service}", eventually("it is done", lambda s=service: call("exec", "-T", s, "cat", "/done", status=None)), of_host)
        check_look("run -T", call("run", "--rm", "-T", "main", *look()), of_host)
        check_look("run without input", call("run", "--rm", "-T", "--interactive=false", "main", *look()), of_host)
        ran = world.on_terminal(["exec", "main", *look()], [])
        check_look("exec on a terminal", ran.out, of_host)
        ran = world.on_terminal(["run", "--rm", "main", *look()], [])
        check_look("run on a terminal", ran.out, of_host)
        for pid in world.pids("consort-keeper") + world.pids("consort-supervisor"):
            held = {os.readlink(f) for f in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
            check(not held & {str(host / n) for n in ("in", "out", "err", "extra")}, f"kept by {pid}: {held}")
    finally:
        for fd in others:
            os.close(fd)


def scenario_streams_of_exec(world):
    """exec -T must be a pipe: every byte, both ends of it, exit codes, and nothing of the caller's files but what it writes itself."""
    world.write("compose.yaml", 'services:\n  s: {image: "debian:bookworm-slim", command: sleep 1000, init: true}\n')
    world.consort("up", "-d")

    def sh(script, **options):
        return subprocess.run([str(CONSORT), "exec", "-T", "s", "sh", "-c", script], cwd=world.project, env=world.env, timeout=120,
                              **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})

    data = os.urandom(20_000_000)
    secret = world.folder / "secret"
    secret.write_bytes(data)
    secret.chmod(0o600)
    with open(secret, "rb") as file:
        done = sh("cat; echo over >&2; exit 7", stdin=file)
    check((done.returncode, done.stdout == data, done.stderr) == (7, True, b"over\n"), f"{done.returncode} {len(done.stdout)} {done.stderr}")
    with open(secret, "rb") as file, open(world.folder / "copy", "wb") as copy:
        sh("cat", stdin=file, stdout=copy)
    check((world.folder / "copy").read_bytes() == data, "into a file")
    done = sh("sha256sum", stdin=None, input=data)
    check(done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest(), "through a pipe")
    # Neither the input can be written nor the output cut.
    log = world.folder / "log"
    log.write_text("kept\n")
    with open(secret, "rb") as file, open(log, "a") as appended:
        # Without waiting: the pipe is full of what nobody reads.
        sh("dd if=/dev/zero of=/proc/self/fd/0 bs=1 count=1 oflag=nonblock 2>/dev/null; : >/proc/self/fd/1; echo added; ls /proc/self/fd/0/", stdin=file, stdout=appended)
    check(secret.read_bytes() == data and log.read_text() == "kept\nadded\n", f"{log.read_text()!r}")
    folder = os.open("/", os.O_RDONLY)
    done = sh("ls /proc/self/fd/0/; cat", stdin=folder)
    os.close(folder)
    check(b"etc" not in done.stdout and b"directory" in done.stderr and done.returncode != 0, str(done))
    done = subprocess.run(f"exec {CONSORT} exec -T s sh -c 'cat; echo fine' <&- 2>&-", shell=True, cwd=world.project, env=world.env, capture_output=True)
    check(done.stdout == b"fine\n", str(done))
    # Who does not read, and who leaves something behind.
    done = subprocess.run(f"{CONSORT} exec -T s sh -c 'yes; echo $? >/code' | head -n 2", shell=True, cwd=world.project, env=world.env,
                          capture_output=True, timeout=60)
    check(done.stdout == b"y\ny\n", str(done))
    check(eventually("the writer hears of it", lambda: sh("cat /code").stdout) == b"141\n", "not SIGPIPE")
    done = sh("sleep 1000 & head -c 3000000 /dev/zero; exit 3")
    check((done.returncode, len(done.stdout)) == (3, 3_000_000), f"{done.returncode} {len(done.stdout)}")
    # A signal reaches the process also while nobody takes what it writes or it takes nothing of what is written.
    writer = world.start("exec", "-T", "s", "sh", "-c", "trap 'exit 9' INT; echo ready >&2; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
                         stdin=subprocess.PIPE)
    check(writer.stderr.readline() == "ready\n", "not ready")
    writer.send_signal(signal.SIGINT)
    writer.stdout.read()
    check(writer.wait(60) == 9, str(writer.returncode))
    with open("/dev/zero", "rb") as zeroes:
        deaf = world.start("exec", "-T", "s", "sh", "-c", "echo ready; exec sleep 1000", stdin=zeroes)
        check(deaf.stdout.readline() == "ready\n", "not ready")
        deaf.send_signal(signal.SIGTERM)
        check(deaf.wait(60) == 143, str(deaf.returncode))
    for each in (writer, deaf):
        each.stdout.close()
        each.stderr.close()
    # The supervisor may be replaced while all that flows.
    flowing = world.start("exec", "-T", "s", "sh", "-c", "head -c 20000000 /dev/zero; sleep 1; exit 4", text=False, bufsize=0)
    flowing.stdout.read(1000)
    for pid in world.supervisor_pids():
        os.kill(pid, signal.SIGKILL)
    rest, _ = flowing.communicate(timeout=60)
    check((flowing.returncode, len(rest) + 1000) == (4, 20_000_000), f"{flowing.returncode} {len(rest)}")


def scenario_output_is_whole(world):
    """run and attach must give every byte that the container wrote, whatever its log keeps. CONSORT_E2E_RUNS=1000 does it more often."""
    runs = int(os.environ.get("CONSORT_E2E_RUNS", "6"))
    world.write("compose.yaml", """
services:
  s: {image: "debian:bookworm-slim", command: "true"}
  small: {image: "debian:bookworm-slim", command: "true", logging: {driver: json-file, options: {max-size: 100k, max-file: "2"}}}
  none: {image: "debian:bookworm-slim", command: "true", logging: {driver: none}}
  fed: {image: "debian:bookworm-slim", command: ["sh", "-c", "read line; seq 700000"], stdin_open: true}
""")
    wrong = []
    for i in range(runs):
        count = (1 + i * 7 % 50) * 130_000 if runs > 10 else (140_000, 700_000, 1_400_000, 700_000)[i % 4]
        service = ("s", "small", "none")[i % 3]
        done = subprocess.run([str(CONSORT), "run", "--rm", "-T", service, "seq", str(count)], cwd=world.project, env=world.env,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        if done.stdout != b"".join(b"%d\n" % n for n in range(1, count + 1)) or done.returncode:
            wrong.append(f"{service}: {len(done.stdout)} bytes of seq {count}, status {done.returncode} {done.stderr[-300:]}")
    check(not wrong, f"{len(wrong)} of {runs} are not whole: {wrong[:5]}")
    expected = "".join(f"{n}\n" for n in range(1, 700_001))
    for _ in range(max(2, runs // 10)):
        world.consort("up", "-d", "fed")
        attached = world.start("attach", "fed", stdin=subprocess.PIPE)
        out, _ = attached.communicate("go\n", timeout=120)
        check(out == expected, f"attach: {len(out)} of {len(expected)} characters")


def scenario_run_takes_its_container_along(world):
    """run --rm that is hung up, terminated or loses its reader must leave nothing; killed, nothing once the container has ended."""
    world.write("compose.yaml", """
services:
  s: {image: "debian:bookworm-slim", command: sleep 1000, init: true, volumes: [/data]}
""")

    def volumes():
        return {p.name for p in (world.data / "volumes").iterdir() if p.name != ".trash"} if (world.data / "volumes").exists() else set()

    before = volumes()
    for number in (signal.SIGHUP, signal.SIGTERM):
        command = world.start("run", "--rm", "-T", "s", "sh", "-c", "echo here; exec sleep 1000", stdin=subprocess.DEVNULL)
        check(command.stdout.readline() == "here\n", "not started")
        check(volumes() != before, "no volume")
        command.send_signal(number)
        check(command.wait(60) == 143, f"{number}: {command.returncode}")
        check(world.ps_all() == [] and volumes() == before, f"{number}: {world.ps_all()} {volumes() - before}")
        command.stdout.close()
        command.stderr.close()
    done = subprocess.run(f"{CONSORT} run --rm -T s yes | head -n 1", shell=True, cwd=world.project, env=world.env, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=100)
    check(done.stdout == b"y\n" and world.ps_all() == [] and volumes() == before, f"{done} {world.ps_all()}")
    command = world.start("run", "--rm", "-T", "s", "sh", "-c", "echo here; while [ ! -e /go ]; do sleep 0.1; done", stdin=subprocess.DEVNULL)
    check(command.stdout.readline() == "here\n", "not started")
    check(len(world.ps_all()) == 1, "swept while it runs")
    command.kill()
    command.communicate()
    left = world.ps_all()
    check(len(left) == 1 and left[0]["State"] == "running", f"killed: {left}")
    pid = int(next(json.loads(p.read_text())["pid"] for p in world.run_root.glob(f"projects/*/containers/{left[0]['ID']}*.json")))
    pathlib.Path(f"/proc/{pid}/root/go").touch()
    eventually("the next command removes it", lambda: world.ps_all() == [] and volumes() == before)
