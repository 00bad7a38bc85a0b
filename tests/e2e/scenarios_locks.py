"""A command that somebody has suspended (Ctrl-Z): whom it holds up, and what they are told."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

from harness import check, eventually
from scenarios_projects import Started

IMAGE = "debian:bookworm-slim"

# Takes the locks of these files, says so, and is suspended like a command at a bad moment: argv are paths; a database's
# write lock is taken by a transaction.
HOLDER = """
import fcntl, os, signal, sqlite3, sys
held = []
for path in sys.argv[1:]:
    if path.endswith(".db"):
        held.append(sqlite3.connect(path, isolation_level=None))
        held[-1].execute("BEGIN IMMEDIATE")
    else:
        folder = os.path.isdir(path)
        held.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT, 0o600))
        fcntl.flock(held[-1], fcntl.LOCK_EX)
print("held", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def is_stopped(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"


@contextlib.contextmanager
def suspended_holder(*paths):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, *map(str, paths)], stdout=subprocess.PIPE, text=True)
    try:
        check(process.stdout.readline() == "held\n", f"{paths} could not be locked")
        eventually("the holder is stopped", lambda: is_stopped(process.pid))
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def scenario_suspended_with_a_lock(world):
    """Whichever lock a suspended command holds, no other waits for it without an end, and each is told its name and what resumes it."""
    world.write("compose.yaml", f'services: {{web: {{image: "{IMAGE}", command: sleep 1000, init: true}}}}\n')
    world.consort("image", "save", "-o", "image.tar", IMAGE)
    world.use_fresh_store()  # what is locked here would hold up other scenarios
    world.consort("image", "load", "-i", "image.tar")
    world.consort("volume", "create", "first")
    world.consort("create")
    web = world.consort("ps", "-aq", "web").out.strip()
    run_folder = world.run_root / "projects" / world.project_name
    locks = [world.data / "containers", world.data / "volumes", world.data / "image.lock", world.data / "containers" / web,
             run_folder / "supervisor.lock", run_folder / "lock"]
    victims = [("network", "create", "held-up"), ("volume", "create", "held-up"), ("image", "load", "-i", "image.tar"),
               ("image", "pull", IMAGE), ("-p", world.project_name, "start"), ("-p", world.project_name, "down")]

    def told(pid, commands):
        for command in commands:
            command.ends(1)
            check(f"process {pid} (" in command.text and "is stopped" in command.text, f"{command.argv}: {command.text}")
            check(f"`kill -CONT {pid}`" in command.text, f"{command.argv} gives no advice: {command.text}")

    with suspended_holder(*locks) as pid:
        told(pid, [Started(world, *argv) for argv in victims])
    with suspended_holder(world.data / "containers" / web) as pid:
        told(pid, [Started(world, "start", "web")])
    with suspended_holder(run_folder / "supervisor.lock") as pid:
        told(pid, [Started(world, "start", "web")])
    with suspended_holder(world.data / "state.db") as pid:
        told(pid, [Started(world, "volume", "create", "held-up")])
    world.consort("up", "-d")
    check(world.service("web")["State"] == "running", "it does not start afterwards")
    check("held-up" not in world.consort("volume", "ls", "-q").out, "a command that failed has made something")


def scenario_suspended_in_the_middle(world):
    """A command that is suspended while it waits, asks or runs something must not hold up other projects."""
    world.write("compose.yaml", f"""
services:
  sick: {{image: "{IMAGE}", command: sleep 1000, init: true, healthcheck: {{test: "false", interval: 1s, retries: 1000}}}}
  needs: {{image: "{IMAGE}", command: sleep 1000, depends_on: {{sick: {{condition: service_healthy}}}}}}
  slow: {{build: {{dockerfile_inline: "FROM {IMAGE}\\nRUN sleep 1000"}}}}
""")
    other = world.project / "other"
    world.write("other/compose.yaml", f"""
services: {{web: {{image: "{IMAGE}", command: sleep 1000, init: true, volumes: ["data:/data"]}}}}
volumes: {{data: {{}}}}
""")
    world.consort("image", "save", "-o", "image.tar", IMAGE)
    world.consort("volume", "create", "unused")
    asking, typing = os.pipe()
    with os.fdopen(asking) as questions, os.fdopen(typing, "w"):
        commands = [Started(world, "up", "-d", "needs"), Started(world, "-p", "builds", "build", "slow"),
                    Started(world, "volume", "prune", stdin=questions)]
        try:
            for command, marker in zip(commands, ("Waiting", "RUN sleep 1000", "[y/N]")):
                command.shows(marker)
            for command in commands:
                os.kill(command.process.pid, signal.SIGSTOP)
                eventually(f"{command.argv} is stopped", lambda pid=command.process.pid: is_stopped(pid))
            for argv in [("up", "-d"), ("restart", "-t", "0"), ("exec", "-T", "web", "true"), ("run", "--rm", "-T", "web", "true"),
                         ("down", "-v", "-t", "0")]:
                world.consort("-p", "other", *argv, cwd=other, timeout=60)
            for argv in [("image", "load", "-i", "image.tar"), ("image", "pull", IMAGE), ("volume", "create", "new"),
                         ("volume", "rm", "new"), ("network", "create", "new"), ("network", "rm", "new")]:
                world.consort(*argv, timeout=60)
        finally:
            for command in commands:
                command.process.kill()
                command.process.wait()


def scenario_stopped_keeper(world):
    """The first Ctrl-C must end `run` and `attach` when the keeper that would tell of the container's end is stopped."""
    world.write("compose.yaml", f"""
services:
  web: {{image: "{IMAGE}", command: "sh -c 'trap true INT; while :; do echo tick; sleep 1; done'"}}
""")
    world.consort("up", "-d")
    attached = [Started(world, "attach", "web"), Started(world, "run", "-T", "--name", "by-hand", "web", "sh", "-c", "echo ready; sleep 1000")]
    for command, marker in zip(attached, ("tick", "ready")):
        command.shows(marker)
    keepers = world.pids("consort-keeper")
    check(keepers, "there is no keeper")
    try:
        for pid in keepers:
            os.kill(pid, signal.SIGSTOP)
        for command in attached:
            command.interrupt()
        for command in attached:
            command.ends(1)
            check(any(f"its keeper {pid} is stopped" in command.text for pid in keepers), f"{command.argv}: {command.text}")
            check("`kill -CONT " in command.text, f"{command.argv} gives no advice: {command.text}")
    finally:
        for pid in keepers:
            os.kill(pid, signal.SIGCONT)


def scenario_odd_data_root(world):
    """A data root whose name has what separates and escapes overlayfs's options must work like any other."""
    odd = world.folder / "a\\b,c:d e"
    odd.mkdir()
    world.consort("image", "save", "-o", "image.tar", IMAGE)
    world.use_roots(odd)
    world.env.update(CONSORT_DATA_ROOT=str(world.data), CONSORT_RUN_ROOT=str(world.run_root))
    world.consort("image", "load", "-i", "image.tar")
    world.write("file", "content\n")
    world.write("compose.yaml", f"""
services:
  web:
    build: {{dockerfile_inline: "FROM {IMAGE}\\nCOPY file /file\\nRUN cp /file /copied && mkdir /seeded && echo x > /seeded/x\\nVOLUME /seeded"}}
    command: sleep 1000
    init: true
    volumes:
      - data:/data
      - {{type: image, source: "{IMAGE}", target: /image}}
volumes: {{data: {{}}}}
""")
    world.consort("up", "-d", "--build")
    said = world.consort("exec", "-T", "web", "sh", "-c", "cat /file /copied /seeded/x; test -d /image/etc && echo new > /new").out
    check(said == "content\ncontent\nx\n", f"the container has {said!r}")
    world.consort("cp", "web:/new", "out")
    check((world.project / "out").read_text() == "new\n", "`cp` gives something else")
    world.consort("restart", "-t", "0")
    world.consort("commit", "web", "odd:1")
    world.consort("run", "--rm", "-T", "web", "cat", "/file")
    world.consort("down", "-v", "-t", "0")
    check(not list((world.data / "volumes").glob("*_data")), "a volume is left")
