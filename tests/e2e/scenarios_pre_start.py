"""Containers that run to their end before a service starts."""
import signal

from harness import check
from scenarios_projects import Started

IMAGE = "debian:bookworm-slim"
FILE = f"""
services:
  db: {{image: "{IMAGE}", command: sleep 1000, init: true, healthcheck: {{test: test -e /ready, interval: 1s}}, post_start: [{{command: touch /ready}}]}}
  web:
    image: "{IMAGE}"
    command: sh -c 'cat /data/log; exec sleep 1000'
    init: true
    scale: 2
    environment: {{WHO: service}}
    depends_on: {{db: {{condition: service_healthy}}}}
    volumes: ["data:/data:ro"]
    pre_start:
      - command: sh -c 'getent hosts db > /dev/null && echo "first $$WHO" >> /data/log; echo seen'
        volumes: ["data:/data"]
      - {{command: sh -c 'echo "second $$WHO" >> /data/log', environment: {{WHO: hook}}, volumes: ["data:/data"]}}
  after: {{image: "{IMAGE}", command: "true", depends_on: [web]}}
volumes: {{data: }}
"""


def scenario_pre_start_runs_once_before_the_service(world):
    """Hooks must run in order, once for all replicas, after what the service depends on, with its volumes, and leave nothing."""
    world.write("compose.yaml", FILE)
    world.consort("up", "-d")
    log = world.consort("exec", "web", "cat", "/data/log").out
    check(log == "first service\nsecond hook\n", f"what the hooks wrote: {log!r}")
    check({c["Name"] for c in world.ps_all()} == {f"{world.project_name}-{n}" for n in ("db-1", "web-1", "web-2", "after-1")}, "a hook stays")
    world.consort("up", "-d")
    world.consort("up", "-d", "--scale", "web=3")
    world.consort("stop", "web")
    world.consort("start", "web")
    check(world.consort("exec", "web", "cat", "/data/log").out == log, "it ran again without a new container")
    world.consort("up", "-d", "--force-recreate")
    check(world.consort("exec", "web", "cat", "/data/log").out == log * 2, "it did not run before the new containers")
    world.consort("down", "-v")


def scenario_a_pre_start_that_fails_keeps_the_service_from_starting(world):
    """A failed hook must end `up` with 1 and what it wrote; nobody starts; its container is kept, hidden, and goes with the next run or `down`."""
    world.write("compose.yaml", FILE.replace("echo seen", "echo lost; echo no schema >&2; exit 3"))
    ran = world.consort("up", "-d", status=1)
    check("service \"web\" pre_start[0] exited with status 3: no schema" in ran.err and "kept for inspection" in ran.err, str(ran))
    check("compose.yaml:" in ran.err, f"without its line: {ran}")
    check(world.service("web")["State"] == "created" and world.service("after")["State"] == "created", "somebody was started")
    check(not any("pre_start" in c["Name"] for c in world.ps_all()), "`ps -a` shows it")
    ran = world.consort("up", status=1)
    check("web pre_start[0] ->  | lost\n" in ran.out, f"attached `up` must show its output: {ran}")
    check("pre_start" not in world.consort("logs").out, "`logs` shows it")
    world.write("compose.yaml", FILE.replace("echo seen", "echo begun; sleep 1000"))
    command = Started(world, "up")
    command.shows("begun")
    command.interrupt(signal.SIGINT)
    command.ends(130)
    world.consort("down", "-v")
    check(f'"{world.project_name}"' not in world.consort("ls", "-a", "--format", "json").out, "`down` leaves a container")
