"""Projects that follow their sources: watch, up --watch and the keys of up."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from harness import check, eventually

IMAGE = "debian:bookworm-slim"


class Watch:
    """A watching command in the background, with all that it has written so far."""

    def __init__(self, world, *argv, through=()):
        self.text = ""
        self.process = world.start(*argv, through=through, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for chunk in iter(lambda: os.read(self.process.stdout.fileno(), 4096), b""):
            self.text += chunk.decode(errors="replace")

    def shows(self, marker, count=1):
        eventually(f"it shows {marker!r}", lambda: self.text.count(marker) >= count or self.alive())

    def alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it has ended with {self.process.returncode}: {self.text}")
        return False

    def interrupted(self):
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not end:\n{self.text}") from None


@contextlib.contextmanager
def watching(world, *argv, through=()):
    watch = Watch(world, *argv, through=through)
    try:
        watch.shows("Watch enabled")
        yield watch
    finally:
        if watch.process.poll() is None:
            watch.process.kill()
            watch.process.wait()


def inside(world, service, path):
    """What a file in the container says; None: it is not there."""
    ran = world.consort("exec", "-T", service, "cat", path, status=None)
    return ran.out if ran.status == 0 else None


def becomes(world, service, path, text):
    eventually(f"{path} in {service} becomes {text!r}", lambda: inside(world, service, path) == text)


def scenario_watch_keeps_files_the_same(world):
    """Files that are changed, added, moved and deleted must be so in every container of the service, ignored ones must not,
    and nothing may be touched outside the target."""
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    init: true
    command: sleep infinity
    scale: 2
    develop:
      watch:
        - action: sync
          path: ./data
          target: /app/data
          ignore: ["*.foo", ignored/]
        - action: sync
          path: ./conf/one.conf
          target: /etc/renamed.conf
""")
    with watching(world, "watch") as watch:
        data = world.project / "data"  # not there when the watch began
        data.mkdir(mode=0o700)
        (data / "hello.txt").write_text("hello world")
        becomes(world, "web", "/app/data/hello.txt", "hello world")
        (data / "hello.txt").write_text("hello watch")
        becomes(world, "web", "/app/data/hello.txt", "hello watch")
        (data / "data.foo").write_text("ignored")
        (data / "ignored").mkdir()
        (data / "ignored/hello.txt").write_text("ignored")
        (data / "sub/deep").mkdir(parents=True)
        (data / "sub/deep/file").write_text("deep")
        os.symlink("/etc/passwd", data / "sub/link")
        (data / "hello.txt").unlink()
        (data / "last").write_text("1")
        becomes(world, "web", "/app/data/last", "1")
        for index in "1", "2":
            listed = world.consort("exec", "-T", "--index", index, "web", "find", "/app/data", "-mindepth", "1").out.split()
            check(sorted(listed) == ["/app/data/last", "/app/data/sub", "/app/data/sub/deep", "/app/data/sub/deep/file",
                                     "/app/data/sub/link"], f"replica {index} has {listed}")
        check(world.consort("exec", "-T", "web", "readlink", "/app/data/sub/link").out == "/etc/passwd\n", "a link stays a link")
        # A folder goes; one of the container's that is reached by a link is deleted as that link.
        world.consort("exec", "-T", "web", "sh", "-c", "mkdir /kept && touch /kept/file && ln -s /kept /app/data/gone")
        (data / "gone").mkdir()
        (data / "gone").rmdir()
        shutil.rmtree(data / "sub")
        (world.project / "conf").mkdir()
        (world.project / "conf/new").write_text("conf")
        (world.project / "conf/new").rename(world.project / "conf/one.conf")
        becomes(world, "web", "/etc/renamed.conf", "conf")
        (data / "last").write_text("2")
        becomes(world, "web", "/app/data/last", "2")
        listed = world.consort("exec", "-T", "web", "find", "/app/data", "/kept", "-mindepth", "1").out.split()
        check(sorted(listed) == ["/app/data/last", "/kept/file"], f"it has {listed}")
        check(watch.interrupted() == 130, "Ctrl-C ends with 130")
        eventually("it says that it ends", lambda: "Watch disabled" in watch.text)
    check(world.consort("ps", "-q").out.count("\n") == 2, "the containers go on running")


def scenario_watch_waits_for_git(world):
    """A checkout must be one reaction, however slow it is: changes count when git has let go of its index."""
    (world.project / ".git").mkdir()
    (world.project / "src").mkdir()
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    init: true
    command: sleep infinity
    develop: {{watch: [{{action: sync, path: ./src, target: /src}}]}}
""")
    with watching(world, "watch") as watch:
        lock = world.project / ".git/index.lock"
        lock.touch()
        for i in range(4):
            (world.project / f"src/{i}").write_text("new")
            time.sleep(0.1)  # longer than the quiet that a save needs; a slower machine only makes it longer
        check("Syncing" not in watch.text, watch.text)
        lock.unlink()
        watch.shows('Syncing service "web" after 4 changes were detected')
        becomes(world, "web", "/src/3", "new")
        check(watch.text.count("Syncing") == 1, watch.text)


def scenario_watch_restarts_and_executes(world):
    """sync+restart must restart the service with the new file, sync+exec must run its command after the files are there, and
    a failing one must not end the watch."""
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    init: true
    command: sh -c 'cat /etc/app.conf; sleep infinity'
    develop:
      watch:
        - action: sync+restart
          path: ./app.conf
          target: /etc/app.conf
          initial_sync: true
        - action: sync+exec
          path: ./src
          target: /src
          exec:
            command: sh -c 'cat /src/said; exit 3'
""")
    (world.project / "app.conf").write_text("first\n")
    with watching(world, "up", "--watch") as watch:
        check(inside(world, "web", "/etc/app.conf") == "first\n", "initial_sync")
        (world.project / "app.conf").write_text("second\n")
        watch.shows('Syncing service "web" after 1 changes were detected')
        watch.shows('service(s) ["web"] restarted')
        watch.shows("web-1  | second")
        (world.project / "src").mkdir()
        (world.project / "src/said").write_text("SUCCESS\n")
        watch.shows("SUCCESS")
        (world.project / "src/said").write_text("AGAIN\n")
        watch.shows("AGAIN")
        check(watch.interrupted() == 130, watch.text)
    check(world.consort("ps", "-q").out == "", "up stops what it has started")


def scenario_watch_misses_nothing_at_the_start(world):
    """What is saved while the service starts must be seen, in its volume, by a rule that includes it and by no other."""
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    init: true
    command: sh -c 'echo begun; sleep infinity'
    volumes: [/data]
    develop:
      watch:
        - path: .
          include: A.*
          target: /data
          x-initialSync: true
          action: sync+exec
          exec:
            command: sh -c 'ls /data; echo "SUCCESS $$TOLD"'
            environment: [TOLD=twice]
""")
    (world.project / "A.old").write_text("old")
    watch = Watch(world, "up", "--watch")
    try:
        watch.shows("Attaching to")
        (world.project / "B.test").write_text("other")
        (world.project / "A.test").write_text("new")
        watch.shows("SUCCESS twice")
        check("x-initialSync is DEPRECATED, please use the official `initial_sync` attribute" in watch.text, watch.text)
        check(world.consort("exec", "-T", "web", "ls", "/data").out == "A.old\nA.test\n", watch.text)
        check(watch.interrupted() == 130, watch.text)
    finally:
        if watch.process.poll() is None:
            watch.process.kill()
            watch.process.wait()


def scenario_watch_rebuilds(world):
    """rebuild must build and recreate the service whose files have changed and nobody else, remove the image that it replaces,
    and go on after a build that fails."""
    for name in "ab":
        (world.project / name).mkdir()
        (world.project / name / "file").write_text("one")
    world.write("compose.yaml", "services:\n" + "".join(f"""
  {name}:
    build:
      context: {name}
      dockerfile_inline: |
        FROM {IMAGE}
        COPY . /data
        RUN ! grep -q broken /data/file
    init: true
    command: sleep infinity
    develop: {{watch: [{{action: rebuild, path: {name}}}]}}
    {"depends_on: [b]" if name == "a" else ""}
""" for name in "ab"))
    with watching(world, "watch") as watch:
        other = world.consort("ps", "-q", "b").out
        image = world.consort("images", "-q", "a").out
        (world.project / "a/file").write_text("two")
        watch.shows('Rebuilding service(s) ["a"] after changes were detected...')
        becomes(world, "a", "/data/file", "two")
        watch.shows('service(s) ["a"] successfully built')
        check(world.consort("ps", "-q", "b").out == other, "the other service is left alone")
        (world.project / "a/file").write_text("broken")
        watch.shows("Build failed. Error:")
        check(inside(world, "a", "/data/file") == "two", "the old container stays")
        (world.project / "a/file").write_text("three")
        becomes(world, "a", "/data/file", "three")
        eventually("the first image is removed", lambda: image.strip() not in world.consort("image", "ls", "-q").out)
    made = world.consort("ps", "-q", "a").out
    world.consort("up", "-d")
    check(world.consort("ps", "-q", "a").out == made, "what a rebuild has made is what `up` wants")
    # The end of the only container that is shown is not the end of everything.
    with watching(world, "up", "--watch", "a") as watch:
        (world.project / "a/file").write_text("four")
        becomes(world, "a", "/data/file", "four")
        check(watch.interrupted() == 130, watch.text)


def scenario_watch_tells_what_it_cannot_read(world):
    """A directory that may not be read must be told, and the rest of the tree be followed."""
    world.write("src/open/file", "one")
    world.write("src/closed/file", "one").parent.chmod(0)
    world.write("compose.yaml", f"""
services:
  web: {{image: {IMAGE}, init: true, command: sleep infinity, develop: {{watch: [{{action: sync, path: ./src, target: /data}}]}}}}
""")
    world.consort("up", "-d")
    # To root nothing is closed.
    through = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    with watching(world, "watch", "--no-up", through=through) as watch:
        closed = f"changes in {world.project}/src/closed will not be seen"
        check(closed in watch.text and "permission denied" in watch.text, watch.text)
        world.write("src/open/file", "two")
        becomes(world, "web", "/data/open/file", "two")
    (world.project / "src/closed").chmod(0o755)
    world.consort("down", "-t", "0")


def scenario_watch_refuses(world):
    """What cannot be watched must be refused with status 1 before anything is started."""
    world.write("compose.yaml", f"services: {{web: {{image: {IMAGE}, command: sleep infinity}}}}")
    nothing = "none of the selected services is configured for watch, consider setting a 'develop' section"
    for command in ("watch",), ("watch", "--no-up"), ("up", "--watch"):
        ran = world.consort(*command, status=1)
        check(nothing in ran.err, ran)
    ran = world.consort("up", "-d", "--watch", status=1)
    check("or --watch" in ran.err, ran)
    world.write("compose.yaml",
                f"services: {{web: {{image: {IMAGE}, develop: {{watch: [{{action: rebuild, path: .}}]}}}}}}")
    ran = world.consort("watch", status=1)
    check("can't watch service \"web\" with action rebuild without a build context" in ran.err, ran)
    check(world.consort("ps", "-aq").out == "", "nothing was started")


def scenario_up_keys(world):
    """On a terminal `up` must show its keys: w turns the watch on, d leaves everything running."""
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    init: true
    command: sh -c 'echo ready; sleep infinity'
    develop: {{watch: [{{action: sync, path: ./data, target: /data}}]}}
""")
    ran = world.on_terminal(["up"], [("Enable Watch", b"w"), ("Disable Watch", b"d")])
    check(ran.status == 0 and "Watch enabled" in ran.out, ran)
    check(world.consort("ps", "-q").out.count("\n") == 1, "the container goes on running")
    world.consort("down", "-t", "0")
    world.env["COMPOSE_MENU"] = "false"
    ran = world.on_terminal(["up"], [("ready", b"\x03")])
    check(ran.status == 130 and "Enable Watch" not in ran.out, ran)
