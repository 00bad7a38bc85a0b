"""The tutorial's stack, end to end (examples/lms)."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time
import zlib

from harness import ROOT, Failure, Skip, check, differences, eventually, host_lists, http, run

API = "http://localhost:8000/api"
ADA = ("ada", "analytical-engine")


def png():
    """One grey pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")


PNG = png()


def up(world, *argv):
    world.consort("up", "-d", "--wait", *argv)
    eventually("the API answers", lambda: http("GET", f"{API}/courses/").status == 200, 120)


def register_ada():
    check(http("POST", f"{API}/users/", {"username": ADA[0], "password": ADA[1]}).status == 201, "ada cannot register")


def create_course(title, **files):
    answer = http("POST", f"{API}/courses/", {"title": title}, user=ADA, files=files)
    check(answer.status == 201, f"creating a course: {answer.status} {answer.body[:300]}")
    return answer.json()


def titles():
    return [c["title"] for c in http("GET", f"{API}/courses/").json()["results"]]


def psql(host, sql="select count(*) from courses_course"):
    return run(["psql", "-h", host, "-p", "5432", "-U", "lms_user", "-d", "lms_database", "-tAc", sql],
               env={**os.environ, "PGPASSWORD": "lms_password_123", "PGCONNECT_TIMEOUT": "5"})


def volume(world, key):
    return world.data / "volumes" / f"{world.project_name}_{key}" / "_data"


def started_at(world, service):
    container = world.service(service)["ID"]
    state = next(iter(world.data.glob(f"containers/{container}*/state.json")), None)
    return json.loads(state.read_text()) if state else None


def scenario_stack_serves(world):
    """db must be healthy before web starts; the API must write to and read from PostgreSQL; uploads and static files must be in their volumes."""
    world.use_lms()
    up(world)
    services = world.ps()
    check(services["db"]["Health"] == "healthy", f"db is {services['db']}")
    check(services["web"]["State"] == "running", f"web is {services['web']}")
    register_ada()
    course = create_course("Compose", cover=("cover.png", PNG))
    check(titles() == ["Compose"], "GET does not give what POST created")
    check(psql("127.0.0.1").out.strip() == "1", "the course is not in PostgreSQL")
    cover = pathlib.PurePath(course["cover"]).name
    check((volume(world, "media_volume") / "covers" / cover).read_bytes() == PNG, "the upload is not in media_volume")
    check(http("GET", f"http://localhost:8000/media/covers/{cover}").body == PNG, "the upload is not served")
    style = volume(world, "static_volume") / "admin/css/base.css"
    check(style.is_file(), "static_volume was not filled from the image")
    style.write_text("/* from the volume */")
    check(b"from the volume" in http("GET", "http://localhost:8000/static/admin/css/base.css").body, "/admin/ is not styled from static_volume")
    check(b"/static/admin/css/base.css" in http("GET", "http://localhost:8000/admin/login/").body, "the admin site does not ask for its style")


def scenario_down_keeps_data_and_leaves_nothing_else(world):
    """down and up must keep the data, down -v must delete it; after each the host's lists must be as before."""
    before = host_lists()
    world.use_lms()
    up(world)
    register_ada()
    create_course("kept")
    world.consort("down")
    eventually("nothing is left after down", lambda: not differences(before, host_lists()))
    check(volume(world, "postgres_data").is_dir(), "down deleted the data")
    up(world)
    check(titles() == ["kept"], "the data is gone after down and up")
    world.consort("down", "-v")
    eventually("nothing is left after down -v", lambda: not differences(before, host_lists()))
    check(not volume(world, "postgres_data").exists(), "down -v kept the data")
    up(world)
    check(titles() == [], "down -v kept the data")


def scenario_database_reachable_from_the_host(world):
    """psql must reach the database through 127.0.0.1, ::1 and localhost with the tutorial's credentials, and be refused with others."""
    world.use_lms()
    up(world)
    for host in ("127.0.0.1", "::1", "localhost"):
        ran = psql(host, "select current_user")
        check(ran.out.strip() == "lms_user", f"through {host}: {ran}")
    wrong = run(["psql", "-h", "127.0.0.1", "-U", "lms_user", "-d", "lms_database", "-c", "select 1"],
                env={**os.environ, "PGPASSWORD": "wrong"})
    check(wrong.status != 0 and "password authentication failed" in wrong.err, str(wrong))


def scenario_live_reload(world):
    """A Python file changed on the host must be served changed, without a restart by us."""
    world.use_lms()
    up(world)
    process = world.service("web")["ID"]
    urls = world.project / "courses/urls.py"
    urls.write_text(urls.read_text() + "\nfrom django.http import HttpResponse\nfrom django.urls import path\n"
                    "urlpatterns = [*urlpatterns, path('changed/', lambda request: HttpResponse('changed'))]\n")
    saved = time.monotonic()

    def served():
        # Django takes what its first look at the files finds, up to a second after it began to serve, as unchanged.
        nonlocal saved
        if time.monotonic() - saved > 5:
            urls.touch()
            saved = time.monotonic()
        return http("GET", f"{API}/changed/").body == b"changed"
    eventually("the change is served", served)
    check(world.service("web")["ID"] == process, "the container was replaced")


def scenario_names(world):
    """web must find db by name, an unknown name must fail fast, and outside names must resolve if the host resolves them."""
    world.use_lms()
    up(world)
    address = world.consort("exec", "-T", "db", "hostname", "-i").out.split()[0]
    for name in ("db", "lms_postgres", "DB"):
        found = world.consort("exec", "-T", "web", "getent", "hosts", name).out.split()
        check(found and found[0] == address, f"{name} is {found} instead of {address}")
    # A question without an answer would be asked again after these 30 s.
    ran = world.consort("exec", "-T", "-e", "RES_OPTIONS=timeout:30", "web", "getent", "hosts", "no-such-service", status=2)
    check(ran.seconds < 30, f"an unknown name is not answered: {ran.seconds:.1f} s")
    outside = "deb.debian.org"
    try:
        socket.getaddrinfo(outside, 80)
    except OSError:
        return
    world.consort("exec", "-T", "web", "getent", "ahostsv4", outside)


def scenario_crash_is_repaired(world):
    """After kill -9 of PostgreSQL's first process it must come back by itself and web must serve again; a stopped db must stay stopped."""
    world.use_lms()
    up(world)
    register_ada()
    create_course("survivor")
    pid = int(world.consort("top", "db").out.splitlines()[1].split()[3])
    os.kill(pid, signal.SIGKILL)
    eventually("the API serves again", lambda: titles() == ["survivor"])
    check(world.service("db")["State"] == "running", "db is not running")
    world.consort("stop", "db")
    check(world.service("db")["State"] == "exited", "db is not stopped")
    time.sleep(1)  # longer than the first delays of the restart policy; a policy that fires would show
    check(world.service("db")["State"] == "exited", "the restart policy restarted a stopped container")
    world.consort("start", "db")
    eventually("the API serves again", lambda: titles() == ["survivor"])


def scenario_restart_policies(world):
    """no must never restart, on-failure only after a failure and at most N times, always after any exit."""
    world.write("compose.yaml", """
services:
  never: {image: "debian:bookworm-slim", command: "sh -c 'echo run; exit 3'", restart: "no"}
  limited: {image: "debian:bookworm-slim", command: "sh -c 'echo run; exit 3'", restart: "on-failure:2"}
  fine: {image: "debian:bookworm-slim", command: "sh -c 'echo run; exit 0'", restart: on-failure}
  always: {image: "debian:bookworm-slim", command: "sh -c 'echo run; exit 0'", restart: always}
""")
    world.consort("up", "-d")

    def runs(service):
        return world.consort("logs", "--no-log-prefix", service).out.splitlines().count("run")

    eventually("on-failure:2 has run three times", lambda: runs("limited") == 3)
    eventually("always runs again and again", lambda: runs("always") >= 4)
    eventually("limited has given up", lambda: world.service("limited")["State"] == "exited")
    check(runs("never") == 1 and runs("fine") == 1 and runs("limited") == 3, "a policy fired too often")
    check(world.service("never")["ExitCode"] == 3, "the exit code is lost")
    world.consort("down", "-t", "0")


def scenario_initialisation_race(world):
    """A dependent of a healthy database must never start before the real server accepts TCP, however long initialisation takes."""
    boots = int(os.environ.get("CONSORT_E2E_BOOTS", "6"))
    world.write("init/10-slow.sh", "echo initialising; sleep 3\n")
    early = []
    for first in range(0, boots, 10):
        pairs = range(first, min(first + 10, boots))
        services = "".join(f"""
  db{i}:
    image: postgres:15-alpine
    environment: {{POSTGRES_DB: lms_database, POSTGRES_USER: lms_user, POSTGRES_PASSWORD: secret}}
    volumes: ["./init:/docker-entrypoint-initdb.d:ro"]
    healthcheck: {{test: ["CMD-SHELL", "pg_isready -U lms_user -d lms_database"], interval: 10s, timeout: 5s, retries: 500}}
  web{i}:
    image: postgres:15-alpine
    environment: {{PGPASSWORD: secret}}
    entrypoint: ["psql", "-h", "db{i}", "-U", "lms_user", "-d", "lms_database", "-c", "select 1"]
    depends_on: {{db{i}: {{condition: service_healthy}}}}
""" for i in pairs)
        world.write("compose.yaml", f"services:{services}")
        world.consort("up", "-d")
        eventually("all dependents have ended", lambda: all(world.service(f"web{i}").get("State") == "exited" for i in pairs))
        states = world.ps()
        early += [world.consort("logs", f"web{i}", f"db{i}").out for i in pairs if states[f"web{i}"]["ExitCode"] != 0]
        world.consort("down", "-v", "-t", "0")
    check(not early, f"{len(early)} of {boots} dependents started too early:\n" + "\n".join(early))


def scenario_stop_is_quick_and_clean(world):
    """down of the running stack must not wait for a grace period, and PostgreSQL's log must show a clean shutdown."""
    world.use_lms()
    begin = f"{time.time():.6f}"  # the store may remember an earlier run
    up(world)
    follower = world.start("logs", "-f", "--no-log-prefix", "db")
    eventually("the log is followed", lambda: follower.poll() is None and world.consort("logs", "db").out)
    ran = world.consort("down")
    out, _ = follower.communicate(timeout=120)
    check("database system is shut down" in out, f"no clean shutdown:\n{out[-2000:]}\n{ran}")
    # A grace period that is waited for ends with SIGKILL.
    told = world.consort("events", "--json", "--since", begin, "--until", f"{time.time():.6f}").out.splitlines()
    codes = {e["service"]: e["attributes"].get("exitCode") for e in map(json.loads, told) if e["action"] == "die"}
    check(set(codes) == {"db", "web"} and "137" not in codes.values(), f"a container was killed: {codes}")


def scenario_supervisor_is_killed(world):
    """After SIGKILL of the supervisor at any time no container may have restarted, no log line may be lost or doubled, and ps must be right."""
    world.write("compose.yaml", """
services:
  counter:
    image: debian:bookworm-slim
    command: ["sh", "-c", "i=0; while [ $$i -lt 40000 ]; do echo line $$i; i=$$((i+1)); done; echo end; exec sleep 1000"]
    restart: unless-stopped
  short: {image: "debian:bookworm-slim", command: "sh -c 'sleep 1; exit 7'"}
""")
    world.consort("up", "-d")
    for _ in range(20):
        for pid in world.supervisor_pids():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    eventually("everything is written", lambda: "end" in world.consort("logs", "--tail", "1", "--no-log-prefix", "counter").out)
    lines = world.consort("logs", "--no-log-prefix", "counter").out.splitlines()
    check(lines == [f"line {i}" for i in range(40000)] + ["end"], f"{len(lines)} lines instead of 40001")
    eventually("the exit is known", lambda: world.service("short")["State"] == "exited")
    check(world.service("short")["ExitCode"] == 7, f"the exit code is lost: {world.service('short')}")
    counter = world.service("counter")
    check(counter["State"] == "running", f"counter is {counter}")
    world.consort("down", "-t", "0")


def scenario_keeper_is_killed_too(world):
    """After SIGKILL of supervisor and keeper the containers go on, and the next up serves names, ports, logs and restarts again."""
    world.use_lms()
    up(world)
    pids = world.pids("consort-keeper") + world.pids("consort-supervisor")
    first = {name: c["ID"] for name, c in world.ps().items()}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    check(set(world.ps()) == set(first) and not world.supervisor_pids(), f"after the kill: {world.ps()}")
    world.consort("up", "-d")
    check({name: c["ID"] for name, c in world.ps().items()} == first, "a container was replaced")
    eventually("the API answers", lambda: http("GET", f"{API}/courses/").status == 200)
    check(http("GET", f"{API.replace('localhost', '[::1]')}/courses/").status == 200, "not at [::1]")
    ran = world.consort("exec", "-T", "web", "getent", "hosts", "db")
    check("db" in ran.out, f"no address for db: {ran}")
    eventually("requests are logged again", lambda: "GET /api/courses/" in world.consort("logs", "--tail", "3", "web").out)
    for pid in world.supervisor_pids():
        os.kill(pid, signal.SIGKILL)
    check("db" in world.consort("exec", "-T", "web", "getent", "hosts", "db").out, "the successor does not serve names")
    world.consort("exec", "-T", "web", "sh", "-c", "kill -9 -1", status=None)
    eventually("web serves after its end", lambda: http("GET", f"{API}/courses/").status == 200, 120)
    world.consort("down", "-t", "0")


def scenario_unchanged_up_changes_nothing(world):
    """A second up of an unchanged stack must leave every container as it is; a changed service must be replaced, and only it."""
    world.use_lms()
    up(world)
    first = {name: c["ID"] for name, c in world.ps().items()}
    world.consort("up", "-d")
    check({name: c["ID"] for name, c in world.ps().items()} == first, "an unchanged container was replaced")
    file = world.project / "docker-compose.yml"
    file.write_text(file.read_text().replace("DEBUG=True", "DEBUG=True\n          - EXTRA=1"))
    up(world)
    second = {name: c["ID"] for name, c in world.ps().items()}
    check(second["db"] == first["db"] and second["web"] != first["web"], "not exactly web was replaced")


def scenario_answers_as_docker_compose(world):
    """Installed as docker-compose, the program must answer to that name."""
    from harness import CONSORT

    link = world.folder / "docker-compose"
    link.symlink_to(CONSORT)
    ran = run([link, "version", "--short"], env=world.env)
    check(ran.status == 0 and re.fullmatch(r"\d+\.\d+\.\d+\S*\n", ran.out), str(ran))


def replay(world, session):
    import json

    from harness import CONSORT
    import transcript

    del world.env["COMPOSE_PROJECT_NAME"]
    transcript.prepare(world.project, session)

    def shell(text):
        ran = run(["sh", "-c", text], env=world.env, cwd=world.project, stdin=subprocess.DEVNULL)
        world.commands.append(ran)
        return ran

    recorded = json.loads((transcript.HERE / f"{session}.json").read_text())
    wrong = []
    played = transcript.play(session, str(CONSORT), shell, world.project)
    for (command, free, mine), docker in zip(played, recorded, strict=True):
        check(command == docker["command"], f"the record is older than the commands: {command}")
        found = transcript.differences(mine, docker, free)
        if found:
            wrong.append("\n".join([command, *found]))
    check(not wrong, f"{len(wrong)} of {len(recorded)} commands differ:\n" + "\n".join(wrong))


def scenario_session_as_with_docker_compose(world):
    """A session of a hundred commands must have the words, the output and the exit codes that Docker Compose gave."""
    replay(world, "commands")


def scenario_flags_as_with_docker_compose(world):
    """A session of flags, good and wrong, must have the words, the output and the exit codes that Docker Compose gave."""
    replay(world, "flags")


def scenario_files_as_with_docker_compose(world):
    """Files, variables and settings must mean to Consort what they mean to Docker Compose, and be refused with its words."""
    replay(world, "files")


def scenario_points_as_with_docker_compose(world):
    """What runs, waits, fails and shares must be shown with the words, the output and the exit codes that Docker Compose gave."""
    replay(world, "points")


def scenario_attached_up(world):
    """up on a terminal must show prefixed lines, stop gracefully at Ctrl-C and keep the last words, and kill at the second."""
    world.write("compose.yaml", """
services:
  polite:
    image: debian:bookworm-slim
    command: ["sh", "-c", "trap 'echo good bye; exit 0' TERM; printf '\\\\033[1mhello\\\\033[0m\\\\n'; while true; do sleep 0.1; done"]
  stubborn:
    image: debian:bookworm-slim
    command: ["sh", "-c", "trap '' TERM; echo here; while true; do sleep 0.1; done"]
    stop_grace_period: 100s
""")
    ran = world.on_terminal(["up", "polite"], [("hello", b"\x03")])
    check(ran.status == 130, str(ran))
    check(re.search(r"\x1b\[36mpolite-1  \| \x1b\[0m\x1b\[1mhello", ran.out), f"no coloured prefix: {ran.out!r}")
    kept = ran.out[ran.out.index("Gracefully Stopping... press Ctrl+C again to force"):]
    check("good bye" in kept and "polite-1 exited with code 0" in kept, f"the last words are missing: {kept!r}")
    ran = world.on_terminal(["logs", "polite"], [])
    check(ran.out.startswith("\x1b[36mpolite-1  | \x1b[0m\x1b[1mhello\x1b[0m\r\n"), f"the colours of logs are not colours: {ran.out!r}")
    ran = world.on_terminal(["up", "stubborn"], [("here", b"\x03"), ("Stopping", b"\x03", 0.2)])  # a second wish, not the echo of the first
    check(ran.status == 130, str(ran))
    check(ran.seconds < 100, f"the second Ctrl-C did not kill ({ran.seconds:.1f} s)")
    check(world.service("stubborn")["ExitCode"] == 137, str(world.service("stubborn")))


def scenario_terminals(world):
    """run, exec and attach must give a real terminal of the right size, pass Ctrl-C on, and let go at Ctrl-P Ctrl-Q."""
    world.write("compose.yaml", """
services:
  shell:
    image: debian:bookworm-slim
    command: ["sh", "-c", "echo ready; exec sh"]
    stdin_open: true
    tty: true
""")
    ran = world.on_terminal(["run", "--rm", "shell", "sh"], [("# ", b"tty; stty size; echo $((6*7)); exit 5\n")])
    check(ran.status == 5 and "/dev/pts/0" in ran.out and "24 80" in ran.out and "42" in ran.out, str(ran))
    ran = world.on_terminal(["run", "--name", "kept", "shell", "sh"], [("# ", b"echo $((7*7))\n"), ("49", b"\x10\x11")])
    check(ran.status == 0, str(ran))
    kept = [c for c in world.ps_all() if c["Name"] == "kept"]
    check(kept and kept[0]["State"] == "running", f"after detaching: {kept}")
    world.consort("up", "-d")
    waiting = "trap 'exit 6' INT; echo here; while true; do sleep 0.1; done"
    ran = world.on_terminal(["exec", "shell", "sh", "-c", waiting], [("here", b"\x03")])
    check(ran.status == 6, str(ran))
    ran = world.on_terminal(["attach", "shell"], [("", b"echo $((8*8))\n"), ("64", b"\x10\x11")])
    check(ran.status == 0, str(ran))
    check(world.service("shell")["State"] == "running", "attach ended it")
    ran = world.consort("exec", "-T", "shell", "sh", "-c", "cat; tty", status=1, stdin=subprocess.DEVNULL)
    check(ran.out == "not a tty\n", str(ran))


def scenario_a_container_that_restarts(world):
    """What waits for its next start must be refused in Docker's words by exec, pause and attach, and ended by kill."""
    world.write("compose.yaml", """
services:
  looping: {image: "debian:bookworm-slim", command: "false", restart: always}
""")
    world.consort("up", "-d")

    # It runs for moments in between, more and more seldom; paused in one of them it would stay so.
    def refused(*argv):
        ran = world.consort(*argv, status=None)
        if argv[0] == "pause" and ran.status == 0:
            world.consort("unpause", "looping", status=None)
        return "is restarting, wait until the container is running" in ran.err

    for argv in (["exec", "-T", "looping", "true"], ["pause", "looping"]):
        eventually(f"{argv[0]} is refused", lambda argv=argv: refused(*argv))
    eventually("attach is refused", lambda: "You cannot attach to a restarting container, wait until it is running"
               in world.consort("attach", "looping", status=None).err)
    world.consort("kill", "looping")
    check(world.service("looping")["State"] == "exited", str(world.service("looping")))


def scenario_odd_states(world):
    """Paused, never created and profile-bound containers must be treated as Docker Compose treats them."""
    world.write("compose.yaml", """
services:
  a: {image: "debian:bookworm-slim", command: sleep 1000, init: true}
  b: {image: "debian:bookworm-slim", command: sleep 1000, init: true}
  c: {image: "debian:bookworm-slim", command: sleep 1000, init: true, profiles: [x]}
""")
    world.consort("up", "-d", "a", "c")
    world.consort("pause")
    check({n: c["State"] for n, c in world.ps().items()} == {"a": "paused", "c": "running"}, f"after pause: {world.ps()}")
    for argv in (["up", "-d", "a"], ["start", "a"]):
        ran = world.consort(*argv, status=1)
        check("cannot start a paused container, try unpause instead" in ran.err, str(ran))
    world.consort("kill", "-s", "TERM", "a")
    eventually("the signal that ends it thaws it", lambda: world.service("a")["State"] == "exited")
    world.consort("start")
    check({n: c["State"] for n, c in world.ps().items()} == {"a": "running", "c": "running"}, f"after start: {world.ps()}")
    ran = world.consort("down", "-t", "0")
    check("`consort --profile x down` removes it" in ran.err and set(world.ps()) == {"c"}, f"{ran}\n{world.ps()}")
    ran = world.consort("down", "-t", "0", "c")
    check("Removed" in ran.err and not world.ps(), str(ran))


def scenario_terminal_build(world):
    """On a terminal a build must show its steps in place, whatever they write, and leave the terminal usable however it ends."""
    world.write("compose.yaml", "services:\n  web:\n    build: .\n  other:\n    build: {context: ., dockerfile: other}\n")
    # The store outlives a run of these tests: without a word of its own, the second run finds its steps in the cache.
    world.write("Dockerfile", f"""FROM debian:bookworm-slim
RUN printf 'one\\033[2J\\033[Htwo\\033]0;title\\007\\n' && : {world.folder.name}
RUN echo three
""")
    world.write("other", f"FROM debian:bookworm-slim\nRUN echo other {world.folder.name}\n")
    ran = world.on_terminal(["build"], [])
    check(ran.status == 0, str(ran))
    check(re.search(r"\[\+\] Building [\d.]+s \((\d+)/\1\) FINISHED", ran.out), f"the end is not told: {ran.out!r}")
    check("=> [web 2/3] RUN printf" in ran.out and "=> [other 2/2] RUN echo other" in ran.out, f"steps are missing: {ran.out!r}")
    check("\x1b[2J" not in ran.out and "\x1b]0;" not in ran.out, f"output of a step reached the terminal: {ran.out!r}")
    check(ran.out.rindex("\x1b[?25h") > ran.out.rindex("\x1b[?25l"), "the cursor is hidden")
    ran = world.on_terminal(["build"], [])
    check(ran.out.count("CACHED") >= 3, f"nothing from the cache: {ran.out!r}")
    world.write("other", "FROM debian:bookworm-slim\nRUN echo here; echo wrong; exit 3\n")
    ran = world.on_terminal(["build", "other"], [])
    end = ran.out[ran.out.rindex("[+] Building"):]
    check(ran.status == 1 and "=> ERROR [2/2] RUN echo here" in ran.out, str(ran))
    check(re.search(r"------\r?\n > \[2/2\] RUN.*\d+\.\d+ wrong", end, re.S), f"its last lines are not below the steps: {end!r}")
    check("other:2" in end and "exit code: 3" in end, f"its place in the file is missing: {end!r}")
    world.write("other", "FROM debian:bookworm-slim\nRUN echo waiting; sleep 1000\n")
    ran = world.on_terminal(["build", "other"], [("# waiting", b"\x03")])
    check(ran.status == 130, str(ran))
    check(ran.out.rindex("\x1b[?25h") > ran.out.rindex("\x1b[?25l"), "the cursor is hidden after Ctrl-C")
    check(ran.out.rindex("\x1b[?7h") > ran.out.rindex("\x1b[?7l"), "lines do not wrap after Ctrl-C")
    ran = world.consort("build", "web")
    check("\x1b" not in ran.out + ran.err and "#1 " in ran.out, str(ran))


def scenario_events(world):
    """events must tell what Docker Compose tells, in its order, whoever caused it, and again afterwards."""
    world.write("compose.yaml", """
services:
  web:
    image: debian:bookworm-slim
    command: ["sh", "-c", "trap 'exit 0' TERM; echo ready; while true; do sleep 0.1; done"]
    labels: {example.kind: "a=b"}
    healthcheck: {test: "exit 0", interval: 1h}
  again: {image: "debian:bookworm-slim", command: sh -c 'exit 4', restart: "on-failure:1", profiles: [x]}
""")
    begin = f"{time.time():.6f}"  # the store may remember an earlier run
    live = world.start("events", "--json", stdout=(world.folder / "live").open("w"))
    named = world.start("events", "--json", "again", stdout=(world.folder / "named").open("w"))

    def shown(file="live", service="web"):
        text = (world.folder / file).read_text()
        events = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [e for e in events if service in ("", e["service"])]

    def actions(events):
        return [e["action"].split(":")[0] for e in events]

    def await_actions(*expected, seen, **where):
        eventually(f"{expected} after {seen}", lambda: tuple(actions(shown(**where))[seen:]) == expected)
        return seen + len(expected)

    # Whether they listen already cannot be seen from outside: a container of another service is made until they do.
    def both_listen():
        world.consort("create", "--force-recreate", "again")
        return shown("live", "again") and shown("named", "again")

    eventually("events listens", both_listen)
    check(not shown(), "of a service that is not there yet")
    world.consort("up", "-d", "--wait", "web")
    # The check runs as a process of its own.
    seen = await_actions("create", "start", "exec_create", "exec_start", "exec_die", "health_status", seen=0)
    check(shown()[-1]["action"] == "health_status: healthy", str(shown()[-1]))
    eventually("the container is ready", lambda: "ready" in world.consort("logs", "web").out)
    world.consort("exec", "-T", "web", "sh", "-c", "exit 5", status=5)
    seen = await_actions("exec_create", "exec_start", "exec_die", seen=seen)
    create, start, die = shown()[-3:]
    check(create["action"] == "exec_create: sh -c exit 5" and die["attributes"]["exitCode"] == "5", f"{create} {die}")
    check(create["attributes"]["execID"] == start["attributes"]["execID"] == die["attributes"]["execID"], f"{create} {die}")
    check(len(die["attributes"]["execID"]) == 64, str(die))
    world.consort("commit", "web")
    seen = await_actions("pause", "commit", "unpause", seen=seen)
    world.consort("pause", "web")
    world.consort("stop", "web")
    seen = await_actions("pause", "kill", "unpause", "stop", "die", seen=seen)
    kill, die = shown()[-4], shown()[-1]
    check(kill["attributes"]["signal"] == "15" and die["attributes"]["exitCode"] == "0", f"{kill} {die}")
    check(die["attributes"]["execDuration"].isdigit() and die["attributes"]["example.kind"] == "a=b", str(die))
    check(not [k for e in shown() for k in e["attributes"] if k.startswith("com.docker.compose.")], str(shown()))
    world.consort("run", "--rm", "-T", "web", "true")
    world.consort("--profile", "x", "down", "-t", "0")
    seen = await_actions("destroy", seen=seen)
    eventually("the other one is gone as well", lambda: actions(shown(service="again"))[-1] == "destroy")
    check(shown()[-1]["attributes"]["example.kind"] == "a=b", str(shown()[-1]))
    before = len(shown(service="again"))
    world.consort("--profile", "x", "up", "-d", "again")
    await_actions("create", "start", "die", "start", "die", seen=before, service="again")
    check(shown(service="again")[-1]["attributes"]["exitCode"] == "4", str(shown(service="again")[-1]))

    # Either may have begun to listen before the other.
    def shown_alone():
        alone, among = shown("named", ""), shown("live", "again")
        both = min(len(alone), len(among))
        return both >= 5 and alone[-both:] == among[-both:]

    eventually("the one that was named has been shown alone", shown_alone)
    # Afterwards the same.
    past = world.consort("events", "--json", "--since", begin, "--until", "0s", "web")
    check([json.loads(line) for line in past.out.splitlines()] == shown(), f"{past}")
    past = world.consort("events", "--since", begin, "--until", "0s", "web").out
    check(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} container create [0-9a-f]{64} \(.*example\.kind=a=b.*\)\n\n", past), past)
    check(world.consort("events", "--since", begin, "--until", "0s", "nosuch").out == "", "of a service that is not there")
    ran = world.consort("events", "--since", "10s", "--until", "30s", status=1)
    check("cannot be after `until` time" in ran.err, str(ran))
    for each in (live, named):
        each.send_signal(signal.SIGINT)
        check(each.wait(60) == 130, "after Ctrl-C")
