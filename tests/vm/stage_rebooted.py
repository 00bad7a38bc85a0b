"""After the reboot of stage_reboot.py."""
import pathlib

from run import PATIENCE, STAY, Project, check, eventually, nothing_is_left, processes, sh
from stage_reboot import STACK

LOG = pathlib.Path("/var/lib/consort/volumes/stay_kept/_data/log")


def check_container_was_stopped_by_its_signal():
    """The shutdown has waited for it: it wrote its last line."""
    check(LOG.read_text().splitlines() == ["begin", "end"], f"the volume holds {LOG.read_text()!r}")


def check_state_is_told_as_it_is():
    """Nothing runs, nothing claims to run, and how they ended is known."""
    project = Project(STACK, "stay", STAY)
    check(not processes("consort-keeper"), "a keeper runs")
    states = {name: (c["State"], c["ExitCode"]) for name, c in project.ps().items()}
    check(states == {"a": ("exited", 0), "quick": ("exited", 0)}, f"{states}")
    check("stay" in project.consort("ls", "-a").out, "ls -a does not know the project")


def check_up_works_again():
    """`up` starts the same containers with the same data; `down` takes all away."""
    with Project(STACK, "stay", STAY) as project:
        before = project.ps()["a"]["ID"]
        project.consort("up", "-d")
        check(project.ps()["a"]["State"] == "running" and project.ps()["a"]["ID"] == before, f"{project.ps()}")
        eventually("it writes again", lambda: LOG.read_text().splitlines() == ["begin", "end", "begin"], PATIENCE)
    check("stay" not in sh("consort ls -a"), "down has left the project")
    nothing_is_left()
