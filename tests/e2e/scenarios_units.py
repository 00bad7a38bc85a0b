"""What `export` writes for systemd must run as systemd would run it."""
import shlex
import socket
import subprocess

from harness import CONSORT, check, eventually

IMAGE = "debian:bookworm-slim"
PATIENCE = 120  # for what never comes


def keys_of(text, folder):
    """{key: [values]} of a unit, with %Y as systemd fills it in."""
    keys = {}
    for line in text.replace("\\\n", " ").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            keys.setdefault(key, []).append(value.replace("%Y", folder).replace("%%", "%").replace("$$", "$"))
    return keys


def scenario_exported_units_start_in_order(world):
    """`export systemd` must write units that say when they have started, show all output, and stop their containers."""
    world.write("compose.yaml", f"""
services:
  setup: {{image: "{IMAGE}", command: sh -c "exit 0"}}
  db:
    image: {IMAGE}
    command: sh -c "echo first words; touch /ready; exec sleep 1000"
    init: true
    healthcheck: {{test: "test -e /ready", interval: 1s}}
    depends_on: {{setup: {{condition: service_completed_successfully}}}}
  web: {{image: "{IMAGE}", command: sleep 1000, init: true, depends_on: {{db: {{condition: service_healthy}}}}}}
""")
    folder, name = world.project / "units", world.project_name
    world.consort("export", "systemd", "-o", "units", "--program", CONSORT)
    unit = {s: keys_of((folder / f"{name}-{s}.service").read_text(), str(folder)) for s in ("setup", "db", "web")}
    check(f"{name}-db.service" in unit["web"]["Requires"] and f"{name}-setup.service" in unit["db"]["After"], str(unit))

    def run(command):
        done = subprocess.run(shlex.split(command), env=env, cwd="/", timeout=PATIENCE, capture_output=True, text=True)
        check(done.returncode == 0, f"{command}: {done.stderr}")

    env = {key: value for key, value in world.env.items() if key != "COMPOSE_PROJECT_NAME"}  # which units know
    run(unit["setup"]["ExecStart"][0])  # to its end
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ready.bind(str(folder / "notify"))
    ready.settimeout(PATIENCE)
    with open(folder / "journal", "w") as journal:
        db = subprocess.Popen(shlex.split(unit["db"]["ExecStart"][0]), cwd="/", stdout=journal, stderr=journal,
                              stdin=subprocess.DEVNULL, env=dict(env, NOTIFY_SOCKET=str(folder / "notify")))
    try:
        check(ready.recv(100) == b"READY=1", "it does not say that it is ready")
        run(unit["db"]["ExecStartPost"][0])  # until it is healthy
        check("healthy" in world.consort("ps", "db").out, "it is not healthy")
        eventually("its output", lambda: "first words" in (folder / "journal").read_text())
        run(unit["db"]["ExecStop"][0])
        check(db.wait(PATIENCE) == 0, "the unit has failed")
    finally:
        db.kill()
        db.wait()
        ready.close()
    world.consort("down", "-t", "0")
