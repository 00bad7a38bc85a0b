"""What the shells complete."""
import os
import pty
import re
import select
import shutil
import signal
import time

from harness import CONSORT, Skip, check, run

FILE = """\
services:
  web: {image: "debian:bookworm-slim"}
  worker: {image: "debian:bookworm-slim", profiles: [debugging]}
jobs:
  nightly: {image: "debian:bookworm-slim", triggers: {manual: true}}
"""


class Shell:
    """An interactive shell at a terminal, that is typed to."""

    def __init__(self, argv, folder, env):
        self.text, self.at = "", 0
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, {**env, "TERM": "xterm", "HISTFILE": "/dev/null", "HOME": str(folder)})

    def type(self, text):
        self.at = len(self.text)
        os.write(self.terminal, text.encode())

    def shows(self, pattern, limit=60):
        """Waits until what has come since the last typing shows it."""
        end = time.monotonic() + limit
        while not re.search(pattern, self.plain()):
            check(time.monotonic() < end, f"{pattern!r} is not in {self.plain()!r}; all: {self.text!r}")
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.text += os.read(self.terminal, 4096).decode(errors="replace")

    def plain(self):
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|[\r\x07\x08]", "", self.text[self.at:])

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def prepare(world, shell):
    if not shutil.which(shell):
        raise Skip(f"{shell} is not installed")
    world.write("compose.yaml", FILE)
    script = world.project / f"completion.{shell}"
    script.write_text(world.consort("internal", "completion", shell).out)
    names = world.folder / "names"
    names.mkdir()
    for name in ("consort", "docker-compose"):
        (names / name).symlink_to(CONSORT)
    return script, {**world.env, "PATH": f"{names}:{os.environ['PATH']}"}


def completes(shell, typed, shown):
    shell.type("\x15" + typed + "\t")
    shell.shows(shown)


def scenario_bash_completes(world):
    script, env = prepare(world, "bash")
    shell = Shell(["bash", "--norc", "--noprofile", "-i"], world.project, {**env, "PS1": "READY "})
    try:
        shell.shows("READY")
        shell.type(f"bind 'set enable-bracketed-paste off'; source {script} && echo lo''aded\n")
        shell.shows("loaded")
        completes(shell, "consort resta", "consort restart ")
        completes(shell, "consort logs -f wor", "wor" "ker ")  # of a profile that is not active
        completes(shell, "consort --profile=deb", "debugging ")
        completes(shell, "consort --progress=pla", "plain ")
        completes(shell, "consort up --scale we", "web=")
        completes(shell, "consort cp compose.ya", "compose.yaml")
        completes(shell, "consort -f compo", "compose.yaml")
        completes(shell, "consort image pru", "prune ")
    finally:
        shell.close()


def scenario_zsh_completes(world):
    script, env = prepare(world, "zsh")
    shell = Shell(["zsh", "-f", "-i"], world.project, {**env, "PS1": "READY "})
    try:
        shell.shows("READY")
        shell.type(f"unsetopt beep; autoload -U compinit && compinit -u -D && source {script} && echo lo''aded\n")
        shell.shows("loaded")
        completes(shell, "consort resta", "restart ")
        completes(shell, "consort logs -f wor", "worker ")
        completes(shell, "consort --profile=deb", "debugging ")
        completes(shell, "consort --progress pla", "plain ")
        completes(shell, "consort up --scale we", "web=$")
        completes(shell, "consort -f compose.ya", "compose.yaml")
        completes(shell, "consort up --wait-", "--wait-timeout ")
    finally:
        shell.close()


def scenario_fish_completes(world):
    script, env = prepare(world, "fish")
    home = {**env, "HOME": str(world.project), "XDG_CONFIG_HOME": str(world.project / "config")}

    def completions(line):
        ran = run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], cwd=world.project, env=home)
        check(ran.status == 0, str(ran))
        return [each.split("\t")[0] for each in ran.out.splitlines()]

    check(completions("consort resta") == ["restart"], "a command")
    check(completions("consort logs -f wor") == ["worker"], "a service")
    check(completions("consort --profile=deb") == ["--profile=debugging"], "a profile")
    check(completions("docker-compose up --wait-") == ["--wait-timeout"], "the other name")
    check(completions("consort -f compose.ya") == ["compose.yaml"], "a file")
    check(sorted(completions("consort logs ")) == ["web", "worker"], "services, not files")
    check(sorted(completions("consort export ")) == ["kubernetes", "quadlet", "systemd", "web", "worker"], "commands and services")
    check(completions("consort boot e") == ["enable"], "a choice")
    check(completions("consort job logs n") == ["nightly"], "a job")
    check(sorted(completions("consort run ")) == ["nightly", "web", "worker"], "what can be run")
    if os.geteuid() != 0:
        return  # a user's containers are looked up in that user's namespace, which typing must not make
    world.consort("create", "web")
    name = world.ps()["web"]["Name"]
    check(completions(f"consort exec {name[:-1]}") == [name], "a container")
    check(completions(f"consort container wait {name[:-1]}") == [name], "a container, and no service")
    check(f"{name}:" in completions(f"consort cp {name[:-1]}"), "a path in a container")
    check(completions(f"consort container run --pid container:{name[:-1]}") == [f"container:{name}"], "its namespace")
    world.consort("up", "-d", "web")  # from here on there is a job on the machine
    world.write("other.yaml", 'services: {other: {image: "debian:bookworm-slim"}}\n')
    check(completions("consort -f other.yaml run ") == ["other"], "no jobs but those of the file")
