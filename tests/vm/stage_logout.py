"""Projects outlive the session or service in which `consort up` ran; logind kills everything at logout here."""
import pathlib

from run import PATIENCE, Project, check, eventually, nothing_is_left, processes, sh

STACK = """
services:
  a:
    image: busy:1
    init: true
    command: [sh, -c, "while :; do date +%s%N; sleep 0.5; done"]
    restart: always
    stop_grace_period: 1s
    healthcheck: {test: [CMD, "true"], interval: 1s, start_period: 60s}
"""


def still_supervised(project):
    """It runs, logs, and is restarted when it dies, although no command has been given since."""
    check(processes("consort-keeper") and processes("consort-supervisor"), "keeper and supervisor have ended")
    check(project.ps()["a"]["State"] == "running", f"{project.ps()}")
    lines = len(project.consort("logs").out.splitlines())
    eventually("logs grow", lambda: len(project.consort("logs").out.splitlines()) > lines, PATIENCE)
    pid = project.state("a")["pid"]
    sh(f"kill -9 {pid}")
    eventually("it was started again", lambda: project.state("a")["pid"] not in (0, pid), PATIENCE)


def check_containers_outlive_the_login_session():
    """A user logs in, runs `sudo consort up -d`, logs out; the session is killed, and the project keeps running."""
    with Project(STACK) as project:
        check("yes" in sh("busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager "
                          "KillUserProcesses").replace("true", "yes"), "logind does not kill what is left of a session")
        out = sh("ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null tester@localhost "
                 f"'(sleep 3600 & echo $! >/tmp/witness) </dev/null >/dev/null 2>&1; cd {project.folder} && sudo consort up -d 2>&1'")
        witness = sh("cat /tmp/witness").strip()
        eventually("the session was killed", lambda: not pathlib.Path(f"/proc/{witness}").exists(), PATIENCE)
        eventually("nobody is logged in", lambda: "tester" not in sh("loginctl list-sessions --no-legend"), PATIENCE)
        check(project.ps().get("a", {}).get("State") == "running", f"{out}\n{project.ps()}")
        still_supervised(project)
    nothing_is_left()


def check_containers_outlive_the_service():
    """`up -d` in a unit whose processes are killed when it ends leaves a supervised project."""
    with Project(STACK) as project:
        sh(f"systemd-run --wait -q -p WorkingDirectory={project.folder} /usr/bin/consort up -d")
        still_supervised(project)
    nothing_is_left()


def check_works_without_the_system_bus():
    """Without access to systemd, containers still run, and the log says what was left out."""
    sh("systemctl stop dbus.socket dbus.service 2>/dev/null", status=None)
    try:
        with Project(STACK) as project:
            project.consort("up", "-d")
            still_supervised(project)
            log = pathlib.Path("/run/consort/projects/vm/supervisor.log").read_text()
            check("scope" in log, f"the log says nothing: {log}")
    finally:
        sh("systemctl start dbus.socket dbus.service")
    nothing_is_left()
