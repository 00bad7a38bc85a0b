"""Nobody but root sees what Consort keeps, a container does not know who called, and what cannot work says so at once."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess

from harness import CONSORT, check, eventually, run

SLIM = 'image: "debian:bookworm-slim"'
NOBODY = 65534


def as_nobody(function):
    """What function() gives (as text), called in a process of another user."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(write, function().encode()[:60000])
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def ways_in(world):
    """What another user can reach of both roots, one line each; root knows all names, so that none has to be guessed."""
    roots = [world.data, world.run_root]
    paths = [os.path.join(folder, name) for root in roots for folder, folders, files in os.walk(root)
             for name in [*folders, *files]]
    check(len(paths) > 100, f"there is nothing to see in {roots}")

    doors = [f"/proc/{pid}/{door}" for program in ("consort-keeper", "consort-supervisor") for pid in world.pids(program)
             for door in ("cwd", "root", "fd", "environ", "map_files")]
    check(doors, "no process of ours runs")

    def reach():
        found = []
        for door in doors:
            try:
                os.listdir(door) if not door.endswith("environ") else open(door).read()
                found.append(door)
            except PermissionError:
                pass
        for path in paths:
            try:
                os.lstat(path)
                found.append(path)
            except PermissionError:
                pass
            except FileNotFoundError:
                pass  # gone since
        for root in roots:
            for attempt in (os.listdir, os.chdir):
                try:
                    attempt(root)
                    found.append(f"{attempt.__name__} {root}")
                except PermissionError:
                    pass
        return "\n".join(found)

    return as_nobody(reach)


def scenario_nobody_gets_in(world):
    """Another local user must not reach anything in either root: no secret, no log, no volume, no setuid program."""
    world.write("secret", "of a file")
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN --mount=type=secret,id=s cat /run/secrets/s > /dev/null\n")
    world.write("compose.yaml", """
services:
  a:
    build: {context: ., secrets: [s]}
    command: sh -c 'cp /bin/sh /upper; cp /bin/sh /data/volume; chmod 4755 /upper /data/volume; echo done; sleep 1000'
    environment: {PASSWORD: hunter2}
    secrets: [s, e]
    configs: [{source: c, target: /etc/c}]
    volumes: ["data:/data", "/anonymous", "bound:/bound"]
    ipc: shareable
    ports: ["0:80"]
    stop_grace_period: 0s
    healthcheck: {test: "true", interval: 1s}
secrets: {s: {file: ./secret}, e: {environment: SECRET}}
configs: {c: {content: of the file}}
volumes:
  data:
  bound: {driver_opts: {type: none, o: bind, device: ./bound}}
""".replace("./bound}", f"{world.project}/bound}}"))
    (world.project / "bound").mkdir()
    for folder in (world.folder, world.data.parent):
        folder.chmod(0o755)  # so that it is the roots themselves that keep others out
    environment = {**world.env, "SECRET": "of the environment"}
    up = run([CONSORT, "up", "-d", "--wait", "--build"], env=environment, cwd=world.project, umask=0)
    check(up.status == 0, str(up))
    eventually("the files are there", lambda: "done" in world.consort("logs", "a").out)
    check(not ways_in(world), f"open to everybody:\n{ways_in(world)}")
    container = world.data / "containers" / world.consort("ps", "-q", "--no-trunc", "a").out.strip()
    ours = [world.data / "state.db", world.data / "state.db-wal", container / "config.json", container / "unit.json",
            container / "log", world.data / "volumes", container, container.parent]
    for path in ours:
        check(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is {path.stat().st_mode:o}")
    # As an earlier version left them, then any command.
    for path in [world.data, world.run_root, *ours]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    check(ways_in(world), "the test sees nothing")
    world.consort("ps")
    check(not ways_in(world), f"open after the next command:\n{ways_in(world)}")
    for path in ours:
        check(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is still {path.stat().st_mode:o}")
    # And those for whom it is all there can still use it.
    seen = world.consort("exec", "-u", "65534:65534", "a", "cat", "/etc/c", "/data/volume", "/etc/hosts").out
    check(seen.startswith("of the file") and "localhost" in seen, "the container's own users see nothing")
    check("of a file" in world.consort("exec", "a", "cat", "/run/secrets/s").out, "no secret")
    world.consort("down", "-v", "--rmi", "local")


LOOK = """#!/bin/sh
cat /proc/self/limits /proc/self/oom_score_adj /proc/self/personality /proc/self/timerslack_ns
grep -E 'SigIgn|SigBlk|Umask|Cpus_allowed_list|Mems_allowed_list' /proc/self/status
nice; chrt -p $$ | sed 's/pid [0-9]*//'; ionice; stat -c %a / /tmp
"""


def looks(world, up):
    """What the first process, an exec, a health check, a build step and the work of a second supervisor see."""
    check(up.status == 0, str(up))
    seen = {"first": eventually("it has looked", lambda: world.consort("exec", "a", "cat", "/of-first").out), "exec": world.consort("exec", "-T", "a", "/look").out,
            "build": world.consort("exec", "a", "cat", "/of-build").out,
            "health": eventually("a health check", lambda: world.consort("exec", "a", "cat", "/of-health").out)}
    (supervisor,) = world.supervisor_pids()
    os.kill(supervisor, signal.SIGKILL)
    eventually("a second supervisor", lambda: world.supervisor_pids() not in ([], [supervisor]))
    for pid in [*world.supervisor_pids(), *world.pids("consort-keeper")]:
        check(os.getpriority(os.PRIO_PROCESS, pid) == 0, f"process {pid} of ours has the caller's niceness")
        check(resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 0, f"process {pid} of ours would leave its memory on the host")
    world.consort("exec", "a", "rm", "/of-first")
    world.consort("restart", "a")
    seen["second"] = eventually("it is back", lambda: world.consort("exec", "a", "cat", "/of-first").out)
    world.consort("down", "-t", "0", "--rmi", "local")
    return seen


def scenario_whoever_calls(world):
    """Limits, niceness, processors, umask and signals of a container must not depend on the shell that called."""
    world.write("look", LOOK).chmod(0o755)
    world.write("Dockerfile", "FROM debian:bookworm-slim\nCOPY look /\nRUN /look > /of-build\n")
    world.write("compose.yaml", """
services:
  a:
    build: {context: ., no_cache: true}
    command: sh -c '/look > /new; mv /new /of-first; exec sleep 1000'
    stop_signal: SIGKILL
    healthcheck: {test: "/look > /checked && mv /checked /of-health", interval: 1s}
""")
    plain = looks(world, world.consort("up", "-d", "--wait", "--build"))
    nice = "nice -n 10" if os.geteuid() == 0 else ""  # which only root can take back
    odd = ("ulimit -S -n 200 -c 0 -s 4096 -l 4000; umask 077; trap '' PIPE HUP INT QUIT USR1; "
           f"exec {nice} ionice -c 3 taskset -c {min(os.sched_getaffinity(0))} setarch -R env --ignore-signal=CHLD {CONSORT} up -d --wait --build")
    called = run(["bash", "-c", odd], env=world.env, cwd=world.project)
    for kind, text in looks(world, called).items():
        different = [f"{a!r} instead of {b!r}" for a, b in zip(text.splitlines(), plain[kind].splitlines()) if a != b]
        check(text == plain[kind], f"{kind}: " + "\n".join(different or [text]))
    check(re.search(r"Max core file size +unlimited +unlimited", plain["first"]), plain["first"])
    for kind in plain:
        check(plain[kind].split("SigIgn")[0] == plain["first"].split("SigIgn")[0], f"{kind} is another than first:\n{plain[kind]}")


def scenario_no_user_namespaces(world):
    """Where a user may have no user namespace, what needs one must say why and what to type, as doctor does; the rest must work."""
    world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n")
    world.use_fresh_store()
    world.folder.chmod(0o755)
    forbidding = ["unshare", "-U", "--map-user=1000", "--keep-caps", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh"]

    def call(line):
        return run([*forbidding, CONSORT, *line.split()], env={**world.env, "HOME": "/nonexistent"}, cwd=world.project)

    for line in ("up -d", "ps", "image ls"):
        ran = call(line)
        check(ran.status == 1 and "user namespace" in ran.err and "user.max_user_namespaces" in ran.err, f"{line}:\n{ran}")
        check(not ran.out, f"output of {line}:\n{ran}")
    asked = call("doctor --format json")
    found = {finding["facility"]: finding for finding in json.loads(asked.out)}
    check(asked.status == 1 and found["user namespace"]["standing"] == "broken", str(asked))
    check(found["user namespace"]["command"] in call("up -d").err, f"up says something else than doctor:\n{asked}")
    for line in ("config --quiet", "version", "--help", "up --help", "internal completion bash"):
        check(call(line).status == 0, str(call(line)))


def scenario_no_socket_is_made(world):
    """A bind of a socket that is not there must be refused at its line, and nothing may be made in its place."""
    missing = world.folder / "docker.sock"

    def up(volume):
        text = f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n    stop_grace_period: 0s\n    volumes:\n      - data:/d\n      - {volume}\n"
        world.write("compose.yaml", text + "volumes: {data: }\n")
        return world.consort("up", "-d", status=None)

    for volume in (f"{missing}:/var/run/docker.sock", f"{{type: bind, source: {missing}, target: /d.sock, bind: {{create_host_path: true}}}}"):
        ran = up(volume)
        check(ran.status == 1 and re.search(r"compose\.yaml:8:\d+", ran.err), f"no line:\n{ran}")
        check("no such socket" in ran.err and "Consort has no daemon" in ran.err, f"no reason:\n{ran}")
        check(not missing.exists() and "will be created" not in ran.err, f"it was made, or so it says:\n{ran}")
    ran = up("./run/app.sock:/app.sock")
    check(ran.status == 1 and "start it first" in ran.err and not (world.project / "run").exists(), str(ran))
    missing.mkdir()  # what Docker, and Consort before this, left behind
    ran = up(f"{missing}:/var/run/docker.sock")
    check(ran.status == 1 and "empty directory" in ran.err, str(ran))
    missing.rmdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(missing))
        check(up(f"{missing}:/var/run/docker.sock").status == 0, "a socket that is there is a bind like others")
        world.consort("exec", "a", "test", "-S", "/var/run/docker.sock")
    world.consort("down", "-v", "-t", "0")


def scenario_proc_is_the_kernels(world):
    """A volume, bind or tmpfs over /proc or into it must be refused at its line, by whatever way it gets there."""
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN ln -s /proc /link\n")
    (world.project / "own").mkdir()
    world.write("own/Dockerfile", "FROM debian:bookworm-slim\nVOLUME /proc\n")
    world.write("file", "of lxcfs\n")

    def up(more, service="a"):
        world.write("compose.yaml", f"""services:
  a:
    build: .
    command: sleep 1000
    stop_grace_period: 0s
    {more}
  b:
    build: ./own
    command: sleep 1000
volumes: {{data: }}
""")
        return world.consort("up", "-d", service, status=None)

    for more in ("volumes: ['data:/proc']", "volumes: ['data:/proc/sys']", "volumes: ['./own:/link']", "volumes: ['./own:/proc/x/y']",
                 "volumes: ['./file:/proc/version']", "tmpfs: ['/proc']", "volumes: [{type: tmpfs, target: /link/acpi}]"):
        ran = up(more)
        check(ran.status == 1 and "cannot be mounted because it is" in ran.err, f"{more}:\n{ran}")
        check(re.search(r"compose\.yaml:6:\d+", ran.err), f"no line for {more}:\n{ran}")
    ran = up("init: false", "b")
    check(ran.status == 1 and "not of type proc" in ran.err, str(ran))
    check(up("volumes: ['./file:/proc/uptime', '/proc:/host/proc:ro', 'data:/sys/fs']").status == 0, "what runc allows")
    check(world.consort("exec", "a", "cat", "/proc/uptime").out == "of lxcfs\n", "not mounted")
    world.consort("down", "-v", "-t", "0", "--rmi", "local")


def scenario_a_newer_database_is_left_alone(world):
    """A state.db of a newer version must be refused with clear words, by every command, and work again as it was."""
    world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n    stop_grace_period: 0s\n")
    world.use_fresh_store()
    world.consort("ls")

    def set_version(version):
        with sqlite3.connect(world.data / "state.db") as database:
            database.execute("UPDATE schema_versions SET version = ? WHERE part = 'engine'", (version,))
        database.close()

    with sqlite3.connect(world.data / "state.db") as database:
        known = dict(database.execute("SELECT part, version FROM schema_versions"))
    database.close()
    set_version(known["engine"] + 1)
    for line in (["ls"], ["up", "-d"], ["ps"], ["image", "ls"], ["down"]):
        ran = world.consort(*line, status=1)
        check("a newer version of Consort" in ran.err and str(world.data / "state.db") in ran.err and "CONSORT_DATA_ROOT" in ran.err, str(ran))
    set_version(known["engine"])
    world.consort("ls")
