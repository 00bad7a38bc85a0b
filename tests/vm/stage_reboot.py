"""Before the reboot: starts a stack with `restart: unless-stopped`. stage_rebooted.py checks it afterwards."""
from run import STAY, Project, check

STACK = """
services:
  a:
    image: busy:1
    command: [sh, -c, "echo begin >>/data/log; trap 'sleep 1; echo end >>/data/log; exit 0' TERM; while :; do sleep 0.2; done"]
    restart: unless-stopped
    volumes: ["kept:/data"]
    ports: ["8098:80"]
  quick: {image: busy:1, command: ["true"]}
volumes: {kept: {}}
"""


def check_stack_is_up():
    """It runs when the machine is told to reboot."""
    project = Project(STACK, "stay", STAY)  # not in a `with` block: it stays
    project.consort("up", "-d")
    check(project.ps()["a"]["State"] == "running", f"{project.ps()}")
