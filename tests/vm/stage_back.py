"""After each boot: everything that stage_reboots.py started runs again, and in the right order."""
import json
import os
import pathlib
import time

from run import PATIENCE, check, eventually
from stage_reboots import stack

RUN = pathlib.Path("/run/consort" if os.geteuid() == 0 else f"/run/user/{os.geteuid()}/consort")


def since_init():
    begun = int(pathlib.Path("/proc/1/stat").read_text().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    return float(pathlib.Path("/proc/uptime").read_text().split()[0]) - begun


def told_of_this_boot(project):
    since = float(pathlib.Path("/proc/stat").read_text().split("btime ")[1].split()[0])
    return project.consort("events", "--since", str(int(since) - 1), "--until", str(int(time.time())), "--json").out.splitlines()


def events_of_this_boot(project):
    """(service, what) in the order in which it happened."""
    return [(event["service"], event["action"]) for event in map(json.loads, told_of_this_boot(project))]


def why(project):
    """Output for a failure report, because the next boot removes it."""
    log = RUN / "projects/reboots/supervisor.log"
    return "\n".join([*told_of_this_boot(project), log.read_text()[-2000:] if log.exists() else "no supervisor.log"])


def check_everything_is_back():
    """No command has been given since; `web` was started after `db` was healthy, and has reached it each time."""
    project = stack()

    def running():
        seen = project.ps()
        return len(seen) == 2 and all(c["State"] == "running" for c in seen.values()) and seen["db"]["Health"] == "healthy"

    eventually("both run", running, 5 * PATIENCE)
    events = eventually("its start is told", lambda: ("web", "start") in (seen := events_of_this_boot(project)) and seen, PATIENCE)
    begun = events.index(("web", "start"))
    healthy = next((i for i, (service, what) in enumerate(events) if service == "db" and what.replace(" ", "") == "health_status:healthy"), None)
    check(healthy is not None and healthy < begun, f"web was started before db was healthy: {events}")
    check([e for e in events if e[1] == "start"] == [("db", "start"), ("web", "start")], f"something was started twice: {events}\n{why(project)}")
    wrong = project.inside("web", "cat /told/wrong 2>/dev/null", status=None)
    check(not wrong, f"web says: {wrong}")
    yield f"back {since_init():.0f} s after the first process began;"
