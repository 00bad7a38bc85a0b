"""What a command does when it is interrupted, when others are at work on the same project, and when things never get ready."""
import contextlib
import fcntl
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time

from harness import CONSORT, check, eventually

IMAGE = "debian:bookworm-slim"
# Without the mend these take a minute and a half, or for ever.
DEADLINE = 60


class Started:
    """A command in the background, with all that it has written so far."""

    def __init__(self, world, *argv, stdin=subprocess.DEVNULL):
        self.argv = argv
        self.text = ""
        self.process = world.start(*argv, stdin=stdin, stderr=subprocess.STDOUT, preexec_fn=self.hear)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    @staticmethod
    def hear():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def read(self):
        for line in iter(lambda: os.read(self.process.stdout.fileno(), 4096), b""):
            self.text += line.decode(errors="replace")

    def shows(self, marker, count=1):
        eventually(f"{self.argv} shows {marker!r}: {self.text}", lambda: self.text.count(marker) >= count)

    def ends(self, status, limit=DEADLINE):
        try:
            got = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            check(False, f"{self.argv} has not ended within {limit} s:\n{self.text}")
        self.reader.join(DEADLINE)
        self.process.stdout.close()
        check(got == status, f"{self.argv} ended with {got} instead of {status}:\n{self.text}")

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)


# It hears the signal and goes on: what cannot hear it would not be waited for.
STUBBORN = "sh -c 'trap true TERM; echo begin; while :; do sleep 1; done'"
EVERYTHING = f"""
x-sleeper: &sleeper {{image: "{IMAGE}", command: sleep 1000, init: true}}
services:
  slow: {{image: "{IMAGE}", command: {STUBBORN}, stop_grace_period: 90s}}
  hooked: {{<<: *sleeper, post_start: [{{command: sleep 1000}}], profiles: [x]}}
  leaving: {{<<: *sleeper, pre_stop: [{{command: sleep 1000}}], profiles: [x]}}
  sick: {{<<: *sleeper, healthcheck: {{test: "false", interval: 1s, retries: 1000}}, profiles: [x]}}
  needs: {{<<: *sleeper, depends_on: {{sick: {{condition: service_healthy}}}}, profiles: [x]}}
  job: {{<<: *sleeper, profiles: [x]}}
  after: {{<<: *sleeper, depends_on: {{job: {{condition: service_completed_successfully}}}}, profiles: [x]}}
  built: {{build: {{dockerfile_inline: "FROM {IMAGE}\\nRUN sleep 1000"}}, profiles: [x]}}
  remote: {{image: "127.0.0.1:PORT/never/answers", profiles: [x]}}
"""


@contextlib.contextmanager
def hanging_registry():
    """Takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def scenario_interrupted_anywhere(world):
    """Whatever a command waits for, SIGINT and SIGTERM must end it with 130 at once, and the next `up` must converge."""
    with hanging_registry() as port:
        world.write("compose.yaml", EVERYTHING.replace("PORT", str(port)))
        signals = [signal.SIGINT, signal.SIGTERM]

        def broken_off(marker, *argv, stdin=subprocess.DEVNULL):
            number = signals[0]
            signals.reverse()
            command = Started(world, *argv, stdin=stdin)
            command.shows(marker)
            command.interrupt(number)
            command.ends(130)

        def runs(service):
            world.consort("kill", service, status=None)
            world.consort("up", "-d", "-t", "0", service)
            check(world.service(service)["State"] == "running", f"{service} does not run after `up`")
            # Until its shell has come to the trap, a stop is over at once and there is nothing to interrupt.
            hears_sigterm = ["grep", "-q", "^SigCgt:.*[4-7c-f]...$", "/proc/1/status"]
            eventually(f"{service} hears SIGTERM",
                       lambda: world.consort("exec", "-T", service, *hears_sigterm, status=None).status == 0)

        # Stopping, by each verb that stops.
        for marker, *argv in [("Stopping", "stop", "slow"), ("Restarting", "restart", "slow"), ("Stopping", "down"),
                              ("Recreate", "up", "-d", "--force-recreate", "slow"), ("Stopping", "rm", "-sf", "slow"),
                              ("Stopping", "up", "-d", "--scale", "slow=0", "slow")]:
            runs("slow")
            broken_off(marker, *argv)
        runs("slow")
        # Hooks, conditions, and what they are waited for by.
        broken_off("Started", "up", "-d", "hooked")
        runs_leaving = world.consort("up", "-d", "leaving")
        check(runs_leaving.status == 0, str(runs_leaving))
        broken_off("Stopping", "stop", "leaving")
        broken_off("Waiting", "up", "-d", "needs")
        broken_off("Waiting", "start", "needs")
        broken_off("Waiting", "up", "-d", "--wait", "sick")
        broken_off("Waiting", "up", "-d", "after")
        broken_off("Waiting", "run", "--rm", "-T", "needs", "true")
        # Images.
        broken_off("RUN sleep 1000", "build", "built")
        broken_off("RUN sleep 1000", "up", "-d", "built")
        broken_off("Pulling", "up", "-d", "remote")
        broken_off("Pulling", "pull", "remote")
        # Looking on.
        broken_off("begin", "logs", "-f", "slow")
        broken_off("slow", "stats", "slow")
        # A file that is being written is there entirely or not at all.
        export = Started(world, "export", "-o", "files.tar", "slow")
        eventually("a file is being written", lambda: list(world.project.glob("files.tar*")))
        export.interrupt()
        export.process.wait(DEADLINE)
        left = [path.name for path in world.project.glob("files.tar*")]
        check(left in ([], ["files.tar"]), f"export left {left}")
        # A question: what is typed next is no answer to it.
        world.consort("kill", "slow")
        asking, typing = os.pipe()
        with os.fdopen(asking) as questions, os.fdopen(typing, "w"):
            broken_off("[y/N]", "rm", "slow", stdin=questions)
        check(world.service("slow")["State"] == "exited", "a question that was broken off was answered")
        # Somebody else's lock.
        other = Started(world, "up", "-d", "needs")
        other.shows("Waiting")
        broken_off("is working on project", "stop", "slow")
        other.interrupt()
        other.ends(130)
        runs("slow")
        world.consort("kill", "slow")


def scenario_second_interrupt(world):
    """The second interrupt must end what the first one has begun: attached `up` kills what is slow to stop."""
    world.write("compose.yaml", f"""
services:
  slow: {{image: "{IMAGE}", command: {STUBBORN}, stop_grace_period: 90s}}
""")
    for answers in (True, False):  # the supervisor; else the second one comes before anything has been stopped
        command = Started(world, "up", "slow")
        command.shows("begin")
        supervisors = [] if answers else world.supervisor_pids()
        for pid in supervisors:
            os.kill(pid, signal.SIGSTOP)
        command.interrupt()
        command.shows("Gracefully")
        time.sleep(0.2)  # a second wish, not the echo of the first
        command.interrupt()
        time.sleep(0 if answers else 0.3)
        for pid in supervisors:
            os.kill(pid, signal.SIGCONT)
        command.ends(130)
        eventually("the container was killed", lambda: world.service("slow")["State"] == "exited", DEADLINE)


def scenario_interrupt_without_a_reader(world):
    """Ctrl-C must end an attached `up` whose output nobody takes any more, and what cannot be written must be told."""
    world.write("compose.yaml", f"""
services:
  talker: {{image: "{IMAGE}", stop_signal: SIGKILL, command: "sh -c 'while :; do echo line; done'", logging: {{options: {{max-size: 1m}}}}}}
""")
    process = world.start("up", stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=Started.hear)

    def waiting():
        count = bytearray(4)
        fcntl.ioctl(process.stdout, termios.FIONREAD, count)
        return int.from_bytes(count, sys.byteorder)

    def is_full():
        # Not to the last byte: each page of a pipe holds whole writes, or the beginning of one.
        before = waiting()
        time.sleep(0.2)
        return before > 32_000 and waiting() == before
    eventually("the pipe is full", is_full)
    process.send_signal(signal.SIGINT)
    try:
        check(process.wait(DEADLINE) == 130, "another status than 130")
    finally:
        process.kill()
        process.stdout.close()
    check({c["State"] for c in world.ps_all()} == {"exited"}, f"still there: {world.ps_all()}")
    with open("/dev/full", "wb") as full:
        told = subprocess.run([CONSORT, "logs", "--tail", "3"], cwd=world.project, env=world.env, stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE)
    check(told.returncode == 1 and b"no space left" in told.stderr, f"{told}")


class Standing:
    """A command whose output, and errors, go to a pipe that nobody reads any more."""

    def __init__(self, world, *argv, full=False):
        self.argv = argv
        self.ends = os.pipe()
        out = self.ends[1]
        if full:
            os.set_blocking(out, False)
            with contextlib.suppress(BlockingIOError):
                while os.write(out, b"-" * 4096):
                    pass
            os.set_blocking(out, True)
        self.process = world.start(*argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=Started.hear)

    def is_held_up(self):
        return not select.select([], [self.ends[1]], [], 0)[1]

    def hears(self, number):
        """Whether it listens, and has come to where it waits: before that, the kernel ends it."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        caught = int(re.search(r"SigCgt:\s*([0-9a-f]+)", status).group(1), 16)
        return caught >> (number - 1) & 1 and "S (sleeping)" in status

    def ends_after_one(self, number, statuses):
        try:
            eventually(f"{self.argv} fills the pipe", lambda: self.is_held_up() or self.process.poll() is not None)
            check(self.process.poll() is None, f"{self.argv} has ended with {self.process.returncode} already")
            eventually(f"{self.argv} hears the signal", lambda: self.hears(number) or self.process.poll() is not None)
            self.process.send_signal(number)
            check(self.process.wait(DEADLINE) in statuses, f"{self.argv} ended with {self.process.returncode} instead of one of {statuses}")
        except subprocess.TimeoutExpired:
            check(False, f"{self.argv} needs more than one signal {number}")
        finally:
            self.process.kill()
            self.process.wait()
            for end in self.ends:
                os.close(end)


# Says much, then waits for its end.
TALKER = "sh -c 'yes | head -c 300000; exec sleep 1000'"


def scenario_one_interrupt_and_a_reader_that_stands_still(world):
    """Whatever a command writes to a pipe that nobody reads, one SIGINT, SIGTERM or SIGHUP must end it (and its container, where it has one)."""
    with hanging_registry() as port:
        world.write("compose.yaml", f"""
x-talker: &talker {{image: "{IMAGE}", init: true, logging: {{options: {{max-size: 1m}}}}}}
services:
  talker: {{<<: *talker, command: "sh -c 'while :; do echo line; done'"}}
  again: {{<<: *talker, command: "sh -c 'while :; do echo line; done'"}}
  quiet: {{<<: *talker, command: sleep 1000}}
  web: {{<<: *talker, command: {TALKER}, profiles: [x]}}
  built: {{build: {{dockerfile_inline: "FROM {IMAGE}\nRUN yes | head -c 300000; sleep 1000"}}, profiles: [x]}}
  remote: {{image: "127.0.0.1:{port}/never/answers", profiles: [x]}}
""")
        world.consort("up", "-d", "talker", "again", "quiet")
        # The container's process gets the signal, or is detached from; each status is that of the signal.
        for number, *argv in [(signal.SIGINT, "run", "-T", "web"), (signal.SIGTERM, "run", "--rm", "-T", "web"),
                              (signal.SIGHUP, "run", "--rm", "-T", "web"), (signal.SIGTERM, "exec", "-T", "quiet", "yes"),
                              (signal.SIGINT, "attach", "--sig-proxy=false", "talker"), (signal.SIGINT, "attach", "talker"),
                              (signal.SIGTERM, "attach", "again")]:
            Standing(world, *argv).ends_after_one(number, {128 + number})
        running = {c["Service"]: c["State"] for c in world.ps_all()}
        check(running["talker"] == running["again"] == "exited" and running["web"] == "exited", f"they go on: {running}")
        world.consort("up", "-d", "talker")
        # What follows or looks on: its pipe is full before it says a word.
        for argv in [("logs", "-f", "talker"), ("events",), ("stats",), ("ps",), ("build", "built"), ("pull", "remote"), ("up", "talker"),
                     ("image", "save", IMAGE), ("cp", "quiet:/etc", "-"), ("wait", "quiet"), ("down", "--dry-run")]:
            Standing(world, *argv, full=True).ends_after_one(signal.SIGINT, {130, -signal.SIGINT})
        world.consort("--profile", "x", "down", "-t", "0", "--remove-orphans")


def scenario_one_interrupt_and_a_reader_that_is_slow(world):
    """Who takes a few bytes at a time gets everything after an interrupt: a pipe has room again only when a whole page was read."""
    world.write("compose.yaml", f"""
services:
  s: {{image: "{IMAGE}", init: true, command: sleep 1000}}
""")
    world.consort("up", "-d")
    # All of it is on its way before the signal is looked at.
    script = "x=$(yes x | head -c 11999); trap 'exit 130' INT; echo \"$x\"; while :; do sleep 0.1; done"
    for verb in ("run", "exec"):
        argv = (verb, "-T", "s", "sh", "-c", script)
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        process = world.start(*argv, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.DEVNULL, preexec_fn=Started.hear)
        try:
            eventually("the pipe is full", lambda: not select.select([], [writing], [], 0)[1])
            os.close(writing)
            process.send_signal(signal.SIGINT)
            count = 0
            while some := os.read(reading, 200):
                count += len(some)
                time.sleep(0.02)
            check((process.wait(DEADLINE), count) == (130, 12000), f"{verb}: {process.returncode}, {count} bytes")
        finally:
            process.kill()
            process.wait()
            os.close(reading)


def scenario_attached_dependencies(world):
    """`up --attach-dependencies job` must end with job; an interrupt must stop all that it shows."""
    world.write("compose.yaml", f"""
services:
  dep: {{image: "{IMAGE}", command: "sh -c 'echo ready-dep; exec sleep 1000'", init: true}}
  job: {{image: "{IMAGE}", command: "sh -c 'sleep 0.5; echo done-job'", init: true, depends_on: [dep]}}
  app: {{image: "{IMAGE}", command: "sh -c 'echo ready-app; exec sleep 1000'", init: true, depends_on: [dep]}}
""")
    command = Started(world, "up", "--attach-dependencies", "job")
    command.shows("done-job")
    command.ends(0)
    check(world.service("dep")["State"] == "running", "a dependency was stopped")
    command = Started(world, "up", "--attach-dependencies", "app")
    command.shows("ready-app")
    command.interrupt()
    command.ends(130)
    check({c["State"] for c in world.ps_all()} == {"exited"}, f"still there: {world.ps_all()}")


def scenario_followers_stay(world):
    """Attached `up` and `logs -f` must go on when another terminal restarts or replaces the service, and end when it stops it."""
    world.write("compose.yaml", f"""
services:
  s: {{image: "{IMAGE}", command: "sh -c 'echo begin; exec sleep 1000'", init: true}}
""")
    up = Started(world, "up")
    up.shows("begin")
    logs = Started(world, "logs", "-f")
    logs.shows("begin")
    for count, argv in enumerate([("restart", "-t", "0"), ("up", "-d", "--force-recreate", "-t", "0")], 2):
        world.consort(*argv)
        for follower in (up, logs):
            follower.shows("begin", count)
            check(follower.process.poll() is None, f"{follower.argv} ended at {argv}:\n{follower.text}")
    check(logs.text.count("begin") == 3, f"lines are shown twice:\n{logs.text}")
    world.consort("stop", "-t", "0")
    up.ends(0)
    logs.ends(0)


def scenario_crash_loops(world):
    """`up` must not wait for ever for what its restart policy starts again and again, nor take it for healthy."""
    world.write("compose.yaml", f"""
x-crash: &crash {{image: "{IMAGE}", command: "sh -c 'exit 3'", restart: always}}
services:
  checked: {{<<: *crash, healthcheck: {{test: "true", interval: 1s, retries: 2}}}}
  web: {{image: "{IMAGE}", command: sleep 1000, init: true, depends_on: {{checked: {{condition: service_healthy}}}}}}
  plain: {{<<: *crash}}
  quick: {{image: "{IMAGE}", command: "sh -c 'exit 4'"}}
  late: {{image: "{IMAGE}", command: sleep 1000, init: true, depends_on: {{quick: {{condition: service_healthy}}}}}}
""")
    failed = world.consort("up", "-d", "web", status=1)
    check("is unhealthy" in failed.err and "exited (3)" in failed.err, failed.err)
    failed = world.consort("up", "-d", "--wait", "plain", status=1)
    check("exited (3)" in failed.err, failed.err)
    failed = world.consort("up", "-d", "late", status=1)
    check("exited (4)" in failed.err and "no healthcheck" not in failed.err, failed.err)
    world.consort("kill", status=None)


def scenario_directory_by_two_names(world):
    """A project named after its directory must take the name of a link to it, and be found again by its other path."""
    del world.env["COMPOSE_PROJECT_NAME"]
    service = f'services: {{s: {{image: "{IMAGE}", command: sleep NUMBER, init: true, volumes: ["./data:/d"]}}}}'
    for release in ("r1", "r2"):
        world.write(f"{release}/compose.yaml", service.replace("NUMBER", "100" + release[1]))
    link = world.project / "current"

    def consort(path, *argv):
        return world.consort(*argv, cwd=path, env={"PWD": str(path)})

    link.symlink_to("r1")
    consort(link, "up", "-d")
    link.unlink()
    link.symlink_to("r2")
    consort(link, "up", "-d", "-t", "0")
    projects = [line.split()[0] for line in consort(link, "ls").out.splitlines()[1:]]
    check(projects == ["current"], f"projects: {projects}")
    real = consort(world.project / "r2", "ps", "-q")
    check(real.out.strip() and 'project' in real.err and 'current' in real.err, f"not found by the other path: {real}")
    again = consort(world.project / "r2", "up", "-d")
    check("Recreate" not in again.err, f"the other path is another configuration: {again.err}")
    consort(link, "down", "-t", "0")


def scenario_named_by_others(world):
    """A container name of another project, and containers of `run`, must be told with their owner before anything is half made."""
    text = f'services: {{g: {{image: "{IMAGE}", command: sleep 1000, init: true, container_name: consort-global}}}}'
    world.write("compose.yaml", text)
    world.consort("-p", "firstone", "up", "-d")
    failed = world.consort("-p", "secondone", "up", "-d", status=1)
    check("firstone" in failed.err and "already in use" in failed.err, failed.err)
    check("Network" not in failed.err, f"something was made: {failed.err}")
    world.consort("-p", "firstone", "down", "-t", "0")
    world.write("compose.yaml", f'services: {{s: {{image: "{IMAGE}", init: true}}}}')
    world.consort("run", "-d", "-T", "s", "sleep", "1000")
    left = world.consort("down", "-t", "0")
    check("-run-" in left.err, f"the container of run is not named: {left.err}")
    world.consort("down", "-t", "0", "--remove-orphans")
