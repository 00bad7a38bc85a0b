"""After the reboot of stage_reboot.py."""
import pathlib

from run import PATIENCE, STAY, Project, check, eventually, nothing_is_left, sh
from stage_reboot import STACK

LOG = pathlib.Path("/var/lib/consort/volumes/stay_kept/_data/log")


def check_what_ran_runs_again():
    """The shutdown has waited for it (it wrote its last line), and only the boot has started it again."""
    project = Project(STACK, "stay", STAY)
    eventually("it runs", lambda: project.ps()["a"]["State"] == "running", PATIENCE)
    eventually("it writes again", lambda: LOG.read_text().splitlines() == ["begin", "end", "begin"], PATIENCE)


def check_state_is_told_as_it_is():
    """A container that had ended long before has not been started, and its exit code is known."""
    quick = Project(STACK, "stay", STAY).ps()["quick"]
    check((quick["State"], quick["ExitCode"]) == ("exited", 0), f"{quick}")


def check_what_was_stopped_by_hand_can_go():
    """`up` finds nothing to do; `down` removes everything."""
    with Project(STACK, "stay", STAY) as project:
        before = project.ps()["a"]["ID"]
        project.consort("up", "-d")
        check(project.ps()["a"]["ID"] == before, f"{project.ps()}")
    check("stay" not in sh("consort ls -a"), "down has left the project")
    nothing_is_left()
