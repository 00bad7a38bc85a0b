"""What runs again after the machine was started anew."""
import contextlib
import json
import os
import shutil
import signal

from harness import check, eventually

SLIM = "image: debian:bookworm-slim"
FILE = f"""services:
  db:
    {SLIM}
    init: true
    command: sh -c "rm -f /shared/ready; sleep 1; touch /shared/ready; sleep 1000"
    healthcheck: {{test: ["CMD", "test", "-e", "/shared/ready"], interval: 1s, retries: 60}}
    volumes: [shared:/shared]
    restart: unless-stopped
    stop_grace_period: 1s
  web:
    {SLIM}
    init: true
    command: sh -c "test -e /shared/ready && exec sleep 1000"
    volumes: [shared:/shared]
    depends_on: {{db: {{condition: service_healthy}}}}
    restart: unless-stopped
    stop_grace_period: 1s
  stopped:
    {SLIM}
    init: true
    command: sleep 1000
    restart: unless-stopped
    stop_grace_period: 1s
  once:
    {SLIM}
    init: true
    command: sleep 1000
    stop_grace_period: 1s
volumes: {{shared: }}
"""


def cut_power(world):
    """Everything ends at once, and the run root is empty."""
    pids = world.pids("consort-keeper") + world.pids("consort-supervisor")
    for record in world.run_root.glob("projects/*/containers/*.json"):
        pids.append(json.loads(record.read_text())["pid"])
    for pid in filter(None, pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually("everything has ended", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids if pid))
    # What keeps a user's namespaces is about to take its socket away, too.
    eventually("the run root is gone", lambda: shutil.rmtree(world.run_root, ignore_errors=True) or not world.run_root.exists())


def running(world):
    return sorted(name for name, container in world.ps().items() if container["State"] == "running")


def scenario_boot_brings_back(world):
    """After a reboot what ran must run again, each as soon as what it depends on is healthy, and nothing that was stopped."""
    world.write("compose.yaml", FILE)
    world.consort("up", "-d")
    world.consort("stop", "stopped")
    cut_power(world)
    check(running(world) == [], str(world.ps()))
    world.consort("internal", "boot", cwd="/")
    check(running(world) == ["db", "web"], str(world.ps()))
    # An orderly end is no stop by hand, either.
    world.consort("internal", "shutdown", cwd="/")
    check(running(world) == [], str(world.ps()))
    ends = [event["service"] for event in map(json.loads, world.consort("events", "--since", "1h", "--until", "0s", "--json").out.splitlines())
            if event["action"] == "die"]
    check(ends[-2:] == ["web", "db"], f"db went before web: {ends}")
    world.consort("internal", "boot", cwd="/")
    check(running(world) == ["db", "web"], str(world.ps()))
    world.consort("down", "-v")


def scenario_boot_lets_no_project_wait_for_another(world):
    """At boot a project must not wait for the health of another one, except for one whose network it uses."""
    held = world.project / "held"
    held.mkdir()
    (held / "open").touch()
    plain = f"{{{SLIM}, init: true, command: sleep 1000, restart: always, stop_grace_period: 0s%s}}"
    slow = (f"  gate: {plain % ', volumes: [./held:/held], healthcheck: {test: test -e /held/open, interval: 1s, retries: 1000}'}\n"
            f"  behind: {plain % ', depends_on: {gate: {condition: service_healthy}}'}\n")
    files = {"a-guest": f"  guest: {plain % ', network_mode: container:m-host-one'}\n",
             "b-slow": slow,
             "m-host": f"  one: {plain % ', container_name: m-host-one'}\n"}
    for name, services in files.items():
        world.write(f"{name}.yaml", "services:\n" + services)

    def of(name, *words, **more):
        return world.consort("-p", name, "-f", f"{name}.yaml", *words, **more).out

    def state(name, service):
        return of(name, "ps", "-a", service, "--format", "{{.State}}").strip()

    for name in reversed(files):
        of(name, "up", "-d")
    cut_power(world)
    (held / "open").unlink()
    boot = world.start("internal", "boot")
    eventually("the others run", lambda: (state("m-host", "one"), state("b-slow", "gate")) == ("running", "running"))
    check(boot.poll() is None and state("b-slow", "behind") != "running", "it did not wait for its dependency")
    (held / "open").touch()
    check(boot.wait(120) == 0, "boot failed")
    check([state("b-slow", "behind"), state("a-guest", "guest")] == ["running", "running"], "not all came back")
    for name in files:
        of(name, "down", "-t", "0")


def scenario_boot_removes_what_was_to_go_when_it_ended(world):
    """A container of --rm that ran when the power went must be gone after the next boot; one that was never started must still be there."""
    def of_rm(verb, name, *flags):
        world.consort("container", verb, *flags, "--rm", "--init", "--network", "none", "--name", name, "debian:bookworm-slim", "sleep", "1000")

    def containers():  # without the trash of others, which is there after the first removal in this data root
        return [folder.name for folder in (world.data / "containers").iterdir() if not folder.name.startswith(".")]

    of_rm("run", "ran", "-d")
    of_rm("create", "waits")
    cut_power(world)
    check(len(containers()) == 2, f"both are there before the boot: {containers()}")
    world.consort("internal", "boot", cwd="/")
    ids = containers()
    check(len(ids) == 1 and world.consort("inspect", "waits", "--format", "{{.Id}}").out.strip() == ids[0], f"{ids}")
    world.consort("container", "rm", "--force", "waits")
