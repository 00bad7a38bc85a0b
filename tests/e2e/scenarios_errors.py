"""What goes wrong is explained, leaves nothing half-made, and the next up works."""
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

from harness import CONSORT, ROOT, Skip, check, eventually, free_port, http, leaves_the_default_bridge, run

SLIM = 'image: "debian:bookworm-slim"'


def fails(world, *argv, says=(), cwd=None):
    ran = world.consort(*argv, status=None, cwd=cwd)
    check(ran.status not in (0, None) and ran.status < 126, f"expected a failure:\n{ran}")
    for text in says:
        check(re.search(text, ran.err + ran.out, re.I), f"does not say {text!r}:\n{ran}")
    return ran


def works_afterwards(world, text="services:\n  a: {image: 'debian:bookworm-slim', command: sleep 1000}\n"):
    world.write("compose.yaml", text)
    world.consort("up", "-d")
    check(world.service("a")["State"] == "running", "the next up does not work")
    world.consort("down", "-t", "0", "-v")


def printed_tutorial_file():
    """The compose file exactly as the tutorial prints it, or None where the tutorial is not at hand."""
    for file in (ROOT / "tests/compose/tutorial-as-printed.yml",):
        if file.exists():
            return file.read_text()
    return None


def scenario_tutorial_file_as_printed(world):
    """One config of the misprinted file must report all three mistakes with line, column and fix; the fixed file must come up."""
    text = printed_tutorial_file()
    if text is None:
        raise Skip("tests/compose/tutorial-as-printed.yml is not there")
    world.use_lms()
    file = world.write("docker-compose.yml", text)
    lines = text.splitlines()
    ran = fails(world, "config", says=["version", "web", "15-alphine", "15-alpine"])
    for needle in ("version = '3.8'", "build: .", "image: postgres:15-alphine"):
        number = 1 + next(i for i, line in enumerate(lines) if needle in line)
        near = [n for n in range(number - 2, number + 1)]
        check(any(re.search(rf"docker-compose\.yml:{n}:\d+", ran.err + ran.out) for n in near), f"no mark at line {number}:\n{ran}")
    world.consort("config", "--fix")
    check(file.read_text().count("#") >= text.count("#"), "the fix lost comments")
    world.consort("config", "--quiet")
    world.consort("up", "-d", "--wait")
    eventually("the API answers", lambda: http("GET", "http://localhost:8000/api/").status == 200)


def scenario_missing_image(world):
    """A missing image must be named, with the line that asks for it."""
    world.write("compose.yaml", "services:\n  a:\n    image: no-such-image-anywhere:1\n")
    fails(world, "up", "-d", says=["no-such-image-anywhere"])
    check(world.ps() == {}, "something was half made")
    works_afterwards(world)


def scenario_wrong_tag(world):
    """A wrong tag must be answered with the tags that exist and look like it."""
    world.write("compose.yaml", "services:\n  a:\n    image: postgres:15-alpin\n")
    fails(world, "up", "-d", says=["15-alpin", "15-alpine"])
    works_afterwards(world)


def scenario_port_in_use(world):
    """A port in use must be refused with the name of the process, or of the project, that has it."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = free_port()
        taken.bind(("0.0.0.0", port))
        taken.listen()
        world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n    ports: ['{port}:80']\n")
        fails(world, "up", "-d", says=[str(port), "python"])
    world.consort("up", "-d")
    other = {"COMPOSE_PROJECT_NAME": "portother"}
    ran = world.consort("up", "-d", env=other, status=None)
    owner = f"port is already allocated by project {world.project_name}, container {world.project_name}-a-1"
    check(ran.status == 1 and owner in ran.err and f"consort -p {world.project_name} stop a" in ran.err, f"does not name who has it:\n{ran}")
    world.consort("down", "-t", "0", env=other)
    world.consort("down", "-t", "0")


def scenario_traps(world):
    """up must warn, with the line, of a directory made where a file was meant and of host ports wanted twice; not of the rest."""
    world.write("compose.yaml", f"""
services:
  a:
    {SLIM}
    command: sleep 1000
    volumes:
      - ./data:/data
      - ./app.conf:/etc/app.conf
""")
    first = world.consort("up", "-d")
    check("compose.yaml:8:" in first.err and "app.conf does not exist" in first.err, f"does not warn of the file:\n{first}")
    check("/data does not exist" not in first.err, f"warns of a directory:\n{first}")
    again = world.consort("up", "-d")
    check("does not exist" not in again.err, f"warns of what is there:\n{again}")
    port = free_port()
    world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n    ports: ['127.0.0.1:{port}:80']\n")
    fails(world, "up", "-d", "--scale", "a=2", says=["runs 2 containers that all publish host port", r"compose\.yaml:5:", str(port)])
    world.consort("down", "-t", "0")


def scenario_failing_health_check(world):
    """A failing health check must be shown with what it printed and the last lines of the container's log."""
    world.write("compose.yaml", f"""
services:
  db:
    {SLIM}
    command: sh -c 'echo this is the log; exec sleep 1000'
    healthcheck: {{test: "echo this is the check; exit 1", interval: 200ms, timeout: 60s, retries: 2}}
  web:
    {SLIM}
    command: sleep 1000
    depends_on: {{db: {{condition: service_healthy}}}}
""")
    fails(world, "up", "-d", says=["unhealthy", "this is the check", "this is the log"])
    check(world.service("web").get("State") != "running", "web was started")
    world.consort("down", "-t", "0")
    works_afterwards(world)


def scenario_crash_is_seen_by_wait(world):
    """up --wait must see a service without a health check end shortly after its start, and must not wait for what runs already."""
    world.write("compose.yaml", """
services:
  crashing:
    image: debian:bookworm-slim
    command: ["sh", "-c", "sleep 0.1; echo the setting is wrong; exit 3"]
  looping:
    image: debian:bookworm-slim
    command: ["sh", "-c", "sleep 0.05; exit 4"]
    restart: always
  steady: {image: "debian:bookworm-slim", command: sleep 1000}
""")
    ran = world.consort("up", "-d", "--wait", "crashing", status=1)
    check("crashing-1 exited (3)" in ran.err and "the setting is wrong" in ran.err, str(ran))
    world.consort("up", "-d", "--wait", "steady")
    check(world.service("steady")["State"] == "running", "it does not run")
    ran = world.consort("up", "-d", "--wait", "looping", timeout=120, status=1)
    check("it exited (4)" in ran.err, str(ran))
    world.consort("down", "-t", "0")


def scenario_refused_as_by_docker(world):
    """What Docker Compose refuses or warns of while it makes containers must be refused or warned of in its words."""
    base = 'image: "debian:bookworm-slim", init: true, command: sleep 1000'
    subnet = "networks: {n: {ipam: {config: [{subnet: 10.77.0.0/24}]}}}"
    cases = [
        (f"services: {{a: {{{base}, secrets: [s]}}}}\nsecrets: {{s: {{environment: NO_SUCH_VARIABLE}}}}", 1,
         'environment variable "NO_SUCH_VARIABLE" required by secret "refusedasbydocker_s" is not set'),
        (f"services: {{a: {{{base}, networks: {{n: {{ipv4_address: 10.77.0.9}}}}}}, "
         f"b: {{{base}, networks: {{n: {{ipv4_address: 10.77.0.9}}}}}}}}\n{subnet}", 1, "Address already in use"),
        (f"services: {{a: {{{base}, ports: ['19100:80', '19100:81']}}}}", 1, "Bind for 0.0.0.0:19100 failed: port is already allocated"),
        (f"services: {{a: {{{base}, restart: 'always:3'}}}}", 1, "maximum retry count can only be used with 'on-failure'"),
        (f"services: {{a: {{{base}, restart: 'on-failure:x'}}}}", 0, "Started"),
        (f"services: {{a: {{{base}, security_opt: ['seccomp=./missing.json']}}}}", 1,
         "opening seccomp profile (./missing.json) failed"),
        (f"services: {{a: {{{base}, depends_on: {{b: {{condition: service_healthy, required: false}}}}}}, "
         f"b: {{{base}, healthcheck: {{test: exit 1, interval: 1s, retries: 1}}}}}}", 0,
         'Skipped: optional dependency "b" failed to start'),
    ]
    for text, status, words in cases:
        world.write("compose.yaml", text)
        ran = world.consort("up", "-d", status=status)
        check(words in ran.err, f"without {words!r}:\n{ran}")
        world.consort("down", "-t", "0")
    world.write("compose.yaml", f"services: {{a: {{{base}, networks: [n], logging: {{driver: none}}}}}}\nnetworks: {{n: {{name: refused-shared}}}}")
    world.consort("-p", "refusedone", "up", "-d")
    ran = world.consort("-p", "refusedtwo", "up", "-d")
    check('exists but was not created for project \\"refusedtwo\\"' in ran.err, str(ran))
    ran = world.consort("-p", "refusedone", "logs")
    check("configured logging driver does not support reading" in ran.err, str(ran))
    world.consort("-p", "refusedtwo", "down", "-t", "0")
    world.consort("-p", "refusedone", "down", "-t", "0")


def scenario_seccomp_profile_of_a_file(world):
    """security_opt: seccomp=./FILE must be read from beside the Compose file and hold in the container."""
    world.write("profile.json", """{"defaultAction": "SCMP_ACT_ALLOW",
      "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}""")
    world.write("compose.yaml", """
services:
  a: {image: "debian:bookworm-slim", command: sleep 1000, init: true, security_opt: ["seccomp=./profile.json"]}
""")
    world.consort("up", "-d")
    ran = world.consort("exec", "-T", "a", "mkdir", "/tmp/x", status=1)
    check("Operation not permitted" in ran.err, str(ran))
    world.consort("exec", "-T", "a", "touch", "/tmp/x")


def scenario_failing_build(world):
    """A RUN that fails must be shown with its output and its line in the Dockerfile; nothing may be tagged."""
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN echo about to fail && exit 9\n")
    world.write("compose.yaml", "services:\n  a:\n    build: .\n    command: sleep 1000\n")
    fails(world, "up", "-d", says=["about to fail", "Dockerfile:2", "exit code: 9"])
    check(world.consort("image", "inspect", f"{world.project_name}-a", status=None).status != 0, "an image was tagged")
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN echo fine\n")
    world.consort("up", "-d")
    check(world.service("a")["State"] == "running", "the next up does not work")
    world.consort("down", "-t", "0", "--rmi", "local")


def scenario_full_disk(world):
    """A disk that fills up during a pull must end in a clear error, leave nothing half-made, and work once there is room."""
    small = world.folder / "small"
    small.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", small])
    if mounted.status:
        raise Skip(f"cannot mount a small file system: {mounted.err}")
    world.use_roots(small)
    world.env.update(CONSORT_DATA_ROOT=str(world.data), CONSORT_RUN_ROOT=str(world.run_root))
    world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n")
    fails(world, "up", "-d", says=["no space left|disk is full|full"])
    check(world.consort("image", "inspect", "debian:bookworm-slim", status=None).status != 0, "half an image was kept")
    run(["mount", "-o", "remount,size=400m", small])
    works_afterwards(world)
    run(["umount", "-l", small])


def scenario_start_errors_show_their_line(world):
    """What the engine refuses at the start must be shown at the attribute that asks for it."""
    world.write("file", "")
    wrong = {"command": "nosuchprogram", "user": "nosuchuser", "working_dir": "/etc/passwd", "entrypoint": "[/etc/passwd]",
             "volumes": "[/fine, './file:/etc']", "tmpfs": "/etc/passwd", "ports": "['192.0.2.1:80:80']", "cap_add": "[NO_SUCH]", "cpuset": "'4096'", "devices": "[/dev/no-such]",
             "dns": "[no-such]", "group_add": "[no-such]", "hostname": "a b", "logging": "{driver: no-such}", "mem_limit": "1k",
             "network_mode": "container:no-such", "pid": "no-such", "runtime": "no-such", "security_opt": "[no=such]",
             "stop_signal": "SIGNO", "sysctls": "{net.no.such: 1}", "ulimits": "{nofile: 99999999999}"}
    text = "services:\n"
    for name, value in wrong.items():
        text += f"  {name.replace('_', '-')}:\n    {SLIM}\n    {name}: {value}\n"
        text += "" if name == "command" else "    command: [id]\n"
    world.write("compose.yaml", text)
    for name in wrong:
        number = 1 + next(i for i, line in enumerate(text.splitlines()) if line.startswith(f"    {name}: {wrong[name]}"))
        fails(world, "up", "-d", name.replace("_", "-"), says=[rf"compose\.yaml:{number}:\d+"])
    allowed = pathlib.Path("/proc/sys/fs/nr_open").read_text().strip()
    fails(world, "up", "-d", "ulimits", says=[f"nofile asks for 99999999999, and this host allows {allowed} at most"])
    world.consort("down", "-t", "0")
    # What is said in another file, of a service and of a network, and an image's name.
    world.write("other.yaml", "services:\n  command:\n    restart: allways\n")
    fails(world, "-f", "compose.yaml", "-f", "other.yaml", "up", "-d", "command", says=[r"other\.yaml:3:14"])
    world.write("other.yaml", "services:\n  command:\n    image: DEBIAN\n")
    fails(world, "-f", "compose.yaml", "-f", "other.yaml", "up", "-d", "command", says=[r"other\.yaml:3:12"])
    world.write("other.yaml", "networks:\n  default:\n    driver: no-such\n")
    fails(world, "-f", "compose.yaml", "-f", "other.yaml", "up", "-d", "command", says=[r"other\.yaml:3:13"])


def scenario_namesakes(world):
    """A second project of the same name must be told whose containers it takes over."""
    del world.env["COMPOSE_PROJECT_NAME"]
    for folder in ("one/same", "two/same"):
        world.write(f"{folder}/compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n    stop_grace_period: 0s\n")
    first = world.consort("up", "-d", cwd=world.project / "one/same")
    check("were created from" not in first.err, f"a warning without a reason:\n{first}")
    second = world.consort("up", "-d", cwd=world.project / "two/same")
    check(str(world.project / "one/same") in second.err, f"does not name the other directory:\n{second}")
    world.consort("down", "-t", "0", cwd=world.project / "two/same")


def scenario_habits(world):
    """Words that people bring from docker must be understood, or answered with what to use here."""
    world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n    stop_grace_period: 0s\n")
    world.consort("compose", "up", "-d")
    check(world.service("a")["State"] == "running", "`consort compose up` did nothing")
    fails(world, "publish", says=["accepts 1 arg"])
    fails(world, "rmi", "no/such", says=["No such image: no/such"])
    fails(world, "scale", says=["requires at least 1 arg"])
    fails(world, "logs", "--index", "7", "a", says=["container #7"])
    world.consort("stop")
    world.consort("pause", "a")  # passes over what does not run
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    fails(world, "-f", "nosuch.yaml", "ps", cwd=elsewhere, says=["nosuch.yaml"])
    del world.env["COMPOSE_PROJECT_NAME"]
    fails(world, "up", cwd=elsewhere, says=["no configuration file provided", "go to the project's directory"])
    world.consort("down", "-t", "0", env={"COMPOSE_PROJECT_NAME": "habits"})


def scenario_aborting_stops_what_was_named(world):
    """When `up NAME` aborts, the named services must be stopped, and what they depend on must go on running."""
    world.write("compose.yaml", f"""
services:
  db:
    {SLIM}
    command: sleep 1000
    stop_grace_period: 0s
  web:
    {SLIM}
    command: sh -c 'exit 3'
    depends_on: [db]
""")
    check(world.consort("up", "--exit-code-from", "web", "web", status=None).status == 3, "not the exit code of web")
    check(world.service("db")["State"] == "running", "db was stopped")
    check(world.consort("up", "--exit-code-from", "web", status=None).status == 3, "not the exit code of web")
    check(world.service("db")["State"] == "exited", "db was not stopped")
    world.consort("down", "-t", "0")


def scenario_detached_run_is_removed(world):
    """A container of `run -d --rm` must be gone when it has ended."""
    world.write("compose.yaml", f"services:\n  a:\n    {SLIM}\n    command: sleep 1000\n")
    world.consort("run", "-d", "--rm", "a", "true")
    eventually("nothing is left of it", lambda: world.ps_all() == [])
    # Those who stop it find it gone.
    for stopping in (["stop", "-t", "0", "NAME"], ["container", "kill", "NAME"], ["down", "-t", "0", "--remove-orphans"]):
        name = world.consort("run", "-d", "--rm", "a").out.strip()
        world.consort(*(name if word == "NAME" else word for word in stopping))
        check(world.ps_all() == [], f"{stopping}: {world.ps_all()}")


@leaves_the_default_bridge
def scenario_what_its_owner_holds_at_its_end_is_removed_later(world):
    """A container of --rm whose owner still holds it when it ends, and dies before he has removed it, must go without another command."""
    created = world.consort("container", "run", "-d", "--rm", "--init", "debian:bookworm-slim", "sleep", "1000").out.strip()
    folder = world.data / "containers" / created
    work = os.open(folder / "work", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(work, fcntl.LOCK_SH)
        record = next(world.run_root.glob(f"projects/*/containers/{created}.json"))
        os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
        eventually("it has ended", lambda: json.loads(record.read_text())["status"] == "exited")
        check(folder.exists(), "it is gone although somebody holds it")
    finally:
        os.close(work)
    eventually("nothing is left of it", lambda: not folder.exists())


def scenario_build_cache_is_given_back(world):
    """image prune --build-cache must say what goes, and leave no layer when no image is left."""
    world.use_fresh_store()
    world.write("Dockerfile", "FROM scratch\nCOPY compose.yaml /\n")
    world.write("compose.yaml", "services: {a: {build: .}}\n")
    world.consort("build")
    world.consort("image", "rm", f"{world.project_name}-a")
    layers = world.data / "layers"
    check(any(layers.iterdir()), "the cache kept nothing")
    kept = world.consort("image", "prune", "--dry-run").out
    check("the build cache" in kept and "Would reclaim: 0B" in kept, kept)
    plan = world.consort("image", "prune", "--build-cache", "--dry-run").out
    check("remove" in plan and "the build cache" not in plan, plan)
    world.consort("image", "prune", "--build-cache", "--force")
    left = [p.name for p in layers.iterdir() if p.name not in ("empty", ".trash")]
    check(not left, f"left: {left}")


def scenario_build_of_one_builds_what_it_begins_with(world):
    """build of one service must also build the services that its additional_contexts name."""
    world.use_fresh_store()
    world.write("Dockerfile", "FROM scratch\nCOPY compose.yaml /\n")
    world.write("compose.yaml", "services:\n  a: {build: .}\n  b:\n    build:\n      context: .\n"
                "      dockerfile_inline: 'FROM base'\n      additional_contexts: {base: 'service:a'}\n")
    world.consort("build", "b")
    for service in "ab":
        world.consort("image", "inspect", f"{world.project_name}-{service}")
