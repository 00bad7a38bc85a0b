"""Kills a command at one of its system calls that change a file system; the next command must work, and nothing may be left behind.

A case is a class: `prepare` creates what the command under test needs, `command` is the one to be killed, `check` checks the result
of the next command, `clean` restores the initial state.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402

# No command may hang; this is a limit for hangs, not for speed.
DEADLINE = 60
FILES = 200

COMPOSE = """\
services:
  base:
    image: debian:bookworm-slim
    command: ["sh", "-c", "trap 'exit 0' TERM; echo base is up; while :; do sleep 1 & wait; done"]
    healthcheck: {test: "true", interval: 30s}
    stop_grace_period: 1s
    volumes: ["data:/data"]
    ports: ["127.0.0.1::7000/udp"]
  top:
    image: debian:bookworm-slim
    command: sleep infinity
    stop_grace_period: 0s
    environment: {VERSION: "${VERSION:-1}"}
    secrets: [word]
    ports: ["127.0.0.1::7000"]
    depends_on: {base: {condition: service_healthy}}
volumes: {data: {}}
secrets: {word: {environment: WORD}}
"""
DOCKERFILE = """\
FROM debian:bookworm-slim
RUN mkdir -p /a/b/c && for i in $(seq 50); do echo $i > /a/b/$i; done
COPY file /file
RUN rm /a/b/7 && echo done > /done
"""
# Another project, which must not be affected; it keeps everything that would be removed with the last network.
BYSTANDER = """\
services:
  other:
    image: debian:bookworm-slim
    command: sleep infinity
    stop_grace_period: 0s
    ports: ["127.0.0.1::7000", "127.0.0.1::7000/udp"]
"""
FILL = f"mkdir -p /data/deep/er && for i in $(seq {FILES}); do echo $i > /data/deep/er/$i; done && echo all > /data/complete"
LOOK = "ls /data/deep/er 2>/dev/null | wc -l; cat /data/complete 2>/dev/null; true"


class Violation(Exception):
    pass


def hold(condition, text):
    if not condition:
        raise Violation(text)


def processes_now():
    """The system call that each of our processes is in, to report a command that hangs."""
    lines = []
    for entry in sorted(pathlib.Path("/proc").glob("[0-9]*"), key=lambda entry: int(entry.name)):
        with contextlib.suppress(OSError):
            comm = (entry / "comm").read_text().strip()
            if not comm.startswith(("consort", "cut")):
                continue
            facts = re.findall(r"^(?:State|PPid|TracerPid):\t(.*)$", (entry / "status").read_text(), re.M)
            lines.append(f"{entry.name} {comm} (state, parent, tracer: {', '.join(facts)}) in {(entry / 'wchan').read_text()}, "
                         f"call {(entry / 'syscall').read_text().strip()}")
    return "\n  ".join(lines)


def finish(argv, world, env):
    """Runs a command, which must end within the deadline."""
    start = time.monotonic()
    with subprocess.Popen(argv, cwd=world.project, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace") as process:
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            told = processes_now()
            process.kill()
            raise Violation(f"{' '.join(argv)} hangs:\n  {told}") from None
    ran = harness.Ran(argv, process.returncode, out, err, time.monotonic() - start)
    world.commands.append(ran)
    hold("control.sock" not in ran.out + ran.err, f"a socket that no user knows of:\n{ran}")
    return ran


class Stage:
    """The environment of all cuts of a case."""

    def __init__(self, world, cut):
        self.world, self.cut, self.history = world, cut, []
        world.env["WORD"] = "s3cret"
        world.write("compose.yaml", COMPOSE)
        world.write("image/Dockerfile", DOCKERFILE)
        world.write("image/file", "content\n")
        world.write("bystander.yaml", BYSTANDER)
        self.bystander("up", "-d")
        self.other = self.look_at_bystander()

    def bystander(self, *argv):
        return self.run("-p", "bystander", "-f", "bystander.yaml", *argv)

    def look_at_bystander(self):
        """Returns the state of the bystander, which must not change."""
        (other,) = [json.loads(line) for line in self.bystander("ps", "-a", "--format", "json").out.splitlines()]
        return other["ID"], other["State"], other["Publishers"]

    def run(self, *argv, env=None, status=0):
        """Runs the next command, which must end within the deadline with this exit code."""
        ran = finish([str(harness.CONSORT), *argv], self.world, {**self.world.env, **(env or {})})
        self.history.append(str(ran))
        hold(status is None or ran.status == status, f"status {ran.status}:\n{ran}")
        return ran

    def under(self, flags, argv, env=None):
        """Runs the command under the cutter; returns the cutter's output and the exit code."""
        words = [str(self.cut), *flags, "--", str(harness.CONSORT), *argv]
        ran = finish(words, self.world, {**self.world.env, **(env or {})})
        self.history.append(str(ran))
        said = [line for line in ran.err.splitlines() if line.startswith("cut: ")]
        return (said[-1] if said else ""), ran.status

    def volume(self):
        """Number of files in the volume, and whether it is marked as complete."""
        lines = self.run("exec", "-T", "base", "sh", "-c", LOOK).out.split()
        return int(lines[0]), lines[1:] == ["all"]

    def running(self, *services):
        states = {c["Service"]: c["State"] for c in self.world.ps_all()}
        hold(all(states.get(s) == "running" for s in services), f"not all of {services} run: {states}")


class Case:
    env = None
    kept = "(?!)"  # paths that each round may leave behind (a regular expression)

    def prepare(self, stage):
        pass

    def follow(self, stage):
        """The next command: the same again, unless a case overrides it."""
        stage.run(*self.command, env=self.env)

    def check(self, stage):
        pass

    def clean(self, stage):
        stage.run("down", "-v", "-t", "0")


class Up(Case):
    command = ("up", "-d", "--quiet-pull")

    def check(self, stage):
        stage.running("base", "top")
        hold(stage.run("exec", "-T", "top", "cat", "/run/secrets/word").out == "s3cret", "the secret is not there")


class FilledUp(Case):
    def prepare(self, stage):
        stage.run("up", "-d")
        stage.run("exec", "-T", "base", "sh", "-c", FILL)


class Change(FilledUp):
    command = ("up", "-d")
    env = {"VERSION": "2"}

    def check(self, stage):
        stage.running("base", "top")
        hold(stage.run("exec", "-T", "top", "printenv", "VERSION").out == "2\n", "the change has not arrived")
        hold(stage.volume() == (FILES, True), f"the volume has lost something: {stage.volume()}")


class Restart(FilledUp):
    command = ("restart", "-t", "1")

    def check(self, stage):
        stage.running("base", "top")
        hold(stage.volume() == (FILES, True), f"the volume has lost something: {stage.volume()}")


class Down(FilledUp):
    command = ("down", "-v", "-t", "0")

    def follow(self, stage):
        stage.run("up", "-d")

    def check(self, stage):
        stage.running("base", "top")
        hold(stage.volume() in ((FILES, True), (0, False)), f"half a volume has come back: {stage.volume()}")


class Build(Case):
    command = ("-f", "built.yaml", "build", "--no-cache")
    kept = r"data/layers/[0-9a-f]{20}$"  # the build cache

    def prepare(self, stage):
        # New content, so that every cut has steps to run.
        stage.world.write("image/file", f"{os.urandom(8).hex()}\n")
        stage.world.write("built.yaml", "services: {built: {image: kill/built, build: image}}\n")

    def check(self, stage):
        ran = stage.run("-f", "built.yaml", "run", "--rm", "-T", "built", "sh", "-c", "ls /a/b | wc -l; cat /file /done")
        wanted = f"50\n{(stage.world.project / 'image/file').read_text()}done\n"
        hold(ran.out == wanted, f"the image is not what the steps make:\n{ran}")

    def clean(self, stage):
        stage.run("-f", "built.yaml", "down")
        stage.run("image", "rm", "kill/built", status=None)
        stage.run("image", "prune", "-f")


class Load(Case):
    command = ("image", "load", "-i", "saved.tar")

    def prepare(self, stage):
        if not (stage.world.project / "saved.tar").exists():
            stage.run("image", "tag", "debian:bookworm-slim", "kill/saved")
            stage.run("image", "save", "-o", "saved.tar", "kill/saved")
        self.write_project(stage)
        stage.run("image", "rm", "kill/saved", status=None)

    def check(self, stage):
        self.write_project(stage)
        hold("bookworm" in stage.run("-f", "loaded.yaml", "run", "--rm", "-T", "loaded").out, "the loaded image does not run")

    def write_project(self, stage):
        stage.world.write("loaded.yaml", "services: {loaded: {image: kill/saved, command: cat /etc/os-release}}\n")

    def clean(self, stage):
        stage.run("-f", "loaded.yaml", "down")
        stage.run("image", "rm", "kill/saved", status=None)


class Pull(Case):
    """Pulls an image whose base exists and whose other layers don't."""

    command = ("-f", "pulled.yaml", "pull")

    def prepare(self, stage):
        world = stage.world
        name = f"{world.registry.address}/kill/pulled"
        if not (world.project / "pulled.yaml").exists():
            world.write("pulled.yaml", f"services: {{pulled: {{image: {name}}}}}\n")
            world.write("pushed.yaml", f"services: {{pushed: {{image: {name}, build: image}}}}\n")
            elsewhere = {"CONSORT_DATA_ROOT": str(world.folder / "elsewhere/data"), "CONSORT_RUN_ROOT": str(world.folder / "elsewhere/run")}
            stage.run("-f", "pushed.yaml", "build", env=elsewhere)
            stage.run("image", "push", name, env=elsewhere)
        stage.run("image", "rm", name, status=None)

    def check(self, stage):
        ran = stage.run("-f", "pulled.yaml", "run", "--rm", "-T", "pulled", "sh", "-c", "ls /a/b | wc -l; cat /file /done")
        hold(ran.out == "50\ncontent\ndone\n", f"the image is not what was pushed:\n{ran}")

    def clean(self, stage):
        stage.run("-f", "pulled.yaml", "down")
        stage.run("image", "rm", f"{stage.world.registry.address}/kill/pulled", status=None)
        stage.run("image", "prune", "-f")  # the data of an interrupted pull is kept for the next one


class Push(Case):
    """Pushes an image that is new each time: in the end the registry must have all of it."""

    def prepare(self, stage):
        world = stage.world
        self.name = f"{world.registry.address}/kill/pushing"
        self.command = ("image", "push", self.name)
        self.content = f"{os.urandom(8).hex()}\n"
        world.write("image/file", self.content)
        world.write("pushing.yaml", f"services: {{pushing: {{image: {self.name}, build: image}}}}\n")
        stage.run("-f", "pushing.yaml", "build")

    def check(self, stage):
        stage.run("image", "rm", self.name)
        stage.run("-f", "pushing.yaml", "pull")
        ran = stage.run("-f", "pushing.yaml", "run", "--rm", "-T", "pushing", "sh", "-c", "ls /a/b | wc -l; cat /file /done")
        hold(ran.out == f"50\n{self.content}done\n", f"the image is not what was pushed:\n{ran}")

    def clean(self, stage):
        stage.run("-f", "pushing.yaml", "down")
        stage.run("image", "rm", self.name, status=None)
        stage.run("image", "prune", "-f", "--build-cache")


class RemoveImage(Load):
    command = ("image", "rm", "kill/saved")

    def prepare(self, stage):
        super().prepare(stage)
        stage.run("image", "load", "-i", "saved.tar")

    def follow(self, stage):
        stage.run(*self.command, status=None)

    def check(self, stage):
        stage.run("image", "inspect", "kill/saved", status=1)
        stage.run("image", "load", "-i", "saved.tar")
        super().check(stage)


class Commit(FilledUp):
    command = ("commit", "top", "kill/committed")

    def clean(self, stage):
        stage.run("image", "rm", "kill/committed", status=None)
        super().clean(stage)
        stage.run("image", "prune", "-f")


class Stop(FilledUp):
    command = ("stop", "-t", "1")

    def check(self, stage):
        states = {c["Service"]: c["State"] for c in stage.world.ps_all()}
        hold(set(states.values()) == {"exited"}, f"not all have ended: {states}")
        stage.run("start")
        hold(stage.volume() == (FILES, True), f"the volume has lost something: {stage.volume()}")


class Start(FilledUp):
    command = ("start",)

    def prepare(self, stage):
        super().prepare(stage)
        stage.run("stop", "-t", "0")

    def check(self, stage):
        stage.running("base", "top")
        hold(stage.volume() == (FILES, True), f"the volume has lost something: {stage.volume()}")


class Remove(FilledUp):
    command = ("rm", "-s", "-f", "-v")

    def check(self, stage):
        hold(not stage.world.ps_all(), f"not all are removed: {stage.world.ps_all()}")
        stage.run("up", "-d")
        hold(stage.volume() == (FILES, True), f"the volume has lost something: {stage.volume()}")


class Scale(FilledUp):
    command = ("up", "-d", "--scale", "top=3")

    def check(self, stage):
        running = [c["Service"] for c in stage.world.ps_all() if c["State"] == "running"]
        hold(sorted(running) == ["base", "top", "top", "top"], f"these run: {running}")


class Copy(FilledUp):
    command = ("cp", "image/.", "base:/data/copied")

    def check(self, stage):
        hold(stage.run("exec", "-T", "base", "cat", "/data/copied/file").out == "content\n", "the copy is not whole")


class OneOff(Case):
    command = ("run", "--rm", "-T", "--no-deps", "top", "true")


CASES = {
    "up": Up, "change": Change, "restart": Restart, "down": Down, "build": Build, "load": Load, "pull": Pull, "push": Push, "commit": Commit, "run": OneOff,
    "stop": Stop, "start": Start, "rm": Remove, "scale": Scale, "cp": Copy, "image-rm": RemoveImage}


def listing(world):
    """Everything that exists, including the files of images and containers, but not those of the database and the journal."""
    found = set()
    for root in (world.data, world.run_root):
        for folder, names, files in os.walk(root):
            relative = pathlib.Path(folder).relative_to(root.parent)
            if len(relative.parts) >= (4 if "blobs" in relative.parts else 3):
                names.clear()
            # The database's files come and go, and a full journal is rotated.
            # An interrupted write of an index of files stays for an hour, until it can't be in progress any more.
            own_time = [name for name in files if relative.match("data/build/index") and ".tmp-" in name]
            found.update(str(relative / name) for name in [*names, *files]
                         if not name.startswith(("state.db", "events.log")) and name not in own_time)
    for kind, lines in harness.host_lists().items():
        found.update(f"{kind}: {line}" for line in lines if kind != "mounts" or "consort" in line)
    return found


@dataclasses.dataclass(frozen=True)
class Cut:
    number: int  # of the system call
    everybody: bool  # all of Consort's processes are killed, not only the one that made the call
    then_clean: bool  # the next command is the one that removes everything, not the same again

    def words(self):
        return f"--at {self.number}{' --all' * self.everybody}{' --then clean' * self.then_clean}"


def one_cut(stage, case, cut, before):
    """One round: prepare, cut, next command, check, clean. Returns the call at which it was cut; raises Violation."""
    stage.history.clear()
    case.prepare(stage)
    said, _ = stage.under(["--at", str(cut.number), *["--all"] * cut.everybody], case.command, case.env)
    if not cut.then_clean:
        case.follow(stage)
        case.check(stage)
    case.clean(stage)

    def left():
        return sorted(line for line in listing(stage.world) - before if not re.match(case.kept, line))

    try:
        harness.eventually("nothing is left behind", lambda: not left(), DEADLINE)
    except harness.Failure:
        raise Violation("left behind:\n  " + "\n  ".join(left()[:20])) from None
    hold(stage.look_at_bystander() == stage.other, "somebody else's container is not what it was")
    return said


def count_calls(stage, case):
    """Two complete rounds first: the calls of the second are counted, and its result is the allowed final state."""
    for flags in (["--count"], ["--count"]):
        case.prepare(stage)
        said, status = stage.under(flags, case.command, case.env)
        hold(status == 0, f"the command fails uncut:\n{stage.history[-1]}")
        case.follow(stage)
        case.check(stage)
        case.clean(stage)
    return int(re.search(r"(\d+) calls", said)[1]), listing(stage.world)


def tear_down(world):
    """After a violation: ends anything that hangs, so that the next round starts clean."""
    for folder in pathlib.Path("/sys/fs/cgroup").rglob("consort/*"):
        with contextlib.suppress(OSError):
            for pid in (folder / "cgroup.procs").read_text().split():
                if pid != "0":  # a process of another pid namespace; for kill(), 0 is the caller's own process group
                    os.kill(int(pid), signal.SIGKILL)
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mine = str(world.run_root).encode() in (entry / "environ").read_bytes() or (entry / "cwd").resolve() == world.project
            if mine and (entry / "comm").read_text().startswith("consort"):
                os.kill(int(entry.name), signal.SIGKILL)
    world.destroy()


def keep(world, to, text, with_data=False):
    to.mkdir(parents=True, exist_ok=True)
    (to / "what").write_text(text)
    world.keep_artefacts(to)
    if not with_data:
        shutil.rmtree(to / "data", ignore_errors=True)
