"""The Debian package, as a user installs it."""
import glob
import pathlib

from run import check, run, sh


def check_installs_with_its_dependencies():
    """apt finds every dependency in Debian 12, and the programs run."""
    package = glob.glob("/root/package/*.deb")[0]
    sh(f"apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -qy --reinstall --allow-downgrades {package}")
    check("Consort" in sh("consort version"), "consort version says nothing")
    for program in ("/usr/bin/consort", *glob.glob("/usr/libexec/consort/*")):
        check("not found" not in sh(f"ldd {program} 2>&1", status=None), f"a library of {program} is missing")
    beside = sorted(pathlib.Path(path).name for path in glob.glob("/usr/libexec/consort/*"))
    check(beside == [f"consort-{name}" for name in ("init", "keeper", "place", "supervisor", "wait")], f"beside it are {beside}")


def check_has_man_pages_and_completions():
    """`man consort` finds a page for the program and its commands; bash completes its words."""
    for page in ("consort", "consort-up"):
        check(pathlib.Path(sh(f"man -w {page}").strip()).exists(), f"no man page {page}")
    check("consort" in sh("bash -ic '. /usr/share/bash-completion/bash_completion; _completion_loader consort; complete -p consort' 2>&1"),
          "bash knows no completion")


def check_answers_to_the_name_docker_compose():
    """A link with that name behaves like Docker Compose."""
    sh("ln -sf /usr/bin/consort /usr/local/bin/docker-compose")
    check("Docker Compose" in sh("docker-compose version"), "it does not speak as Docker Compose")
    check("Usage:  docker compose" in run(["docker-compose", "--help"]).out or
          "docker-compose" in run(["docker-compose", "--help"]).out, "its help names another program")
