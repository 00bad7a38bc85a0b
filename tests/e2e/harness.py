"""The tools of the end-to-end scenarios: an isolated world for each, commands, and checks of state.

A scenario is a function `scenario_NAME(world)` whose docstring states the invariant ("X must Y"). It observes state, not text,
wherever possible; waits with `eventually`, never with a bare sleep; and leaves the host as it found it.
"""
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import urllib.error
import urllib.request

from ports import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONSORT = pathlib.Path(os.environ.get("CONSORT", ROOT / "build/release/consort"))
# Images are expensive; all scenarios share one store of them, behind a real registry.
SHARED = pathlib.Path(os.environ.get("CONSORT_E2E_DIR", "/var/tmp/consort-e2e"))


class Skip(Exception):
    """Raised by a scenario that cannot run here; the text says why."""


class Failure(AssertionError):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def eventually(what, condition, limit=120.0):
    """Waits until condition() is true (an exception counts as false) and returns its value. The limit is only for failing
    scenarios, because a machine may be slow."""
    end = time.monotonic() + limit
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = repr(value)
        except (OSError, ValueError, KeyError, IndexError, Failure, urllib.error.URLError) as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() > end:
            raise Failure(f"not within {limit} s: {what} (last: {last})")
        time.sleep(0.02)


class Ran:
    """A finished command."""

    def __init__(self, argv, status, out, err, seconds):
        self.argv, self.status, self.out, self.err, self.seconds = argv, status, out, err, seconds

    def __str__(self):
        return f"$ {' '.join(map(str, self.argv))}\n[status {self.status}]\n{self.out}{self.err}"


class Response:
    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers

    def json(self):
        return json.loads(self.body)


def http(method, url, data=None, user=None, files=None, timeout=60):
    """One HTTP request; data is a dict of form fields, files a dict of name -> (file name, bytes)."""
    headers, body = {}, None
    if data is not None or files:
        boundary = "----consort-e2e"
        parts = []
        for name, value in (data or {}).items():
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        for name, (file, content) in (files or {}).items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'
            parts.append(head.encode() + content + b"\r\n")
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    if user:
        import base64

        headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return Response(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        return Response(error.code, error.read(), error.headers)


def run(argv, **options):
    start = time.monotonic()
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace", timeout=300, **options)
    return Ran(argv, done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def firewall_lines():
    """The rules, and each element of a set on its own, so that the order does not matter."""
    text = run(["nft", "list", "ruleset"]).out if shutil.which("nft") else ""
    # "elements = { one, other }" may take several lines; the set's name precedes it.
    text = re.sub(r"elements = \{([^}]*)\}", lambda found: "elements = " + " ".join(found[1].split()), text)
    lines, name = [], ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith(("set ", "map ")):
            name = line.split()[1]
        if line.startswith("elements = "):
            lines += [f"{name}: {element.strip()}" for element in line.removeprefix("elements = ").split(",")]
        else:
            lines.append(line)
    return lines


def host_lists():
    """All places where containers may leave traces, as sets of lines, which are compared before and after."""

    def lines(*argv):
        return set(run(argv).out.splitlines()) if shutil.which(argv[0]) else set()

    links = {re.sub(r"^\d+: ([^:@]+).*", r"\1", line) for line in lines("ip", "-o", "link")}
    mounts = {re.sub(r"^\d+ \d+ \S+ ", "", line) for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()}
    # Counters and handles change; an empty table of ours may stay.
    rules = {re.sub(r"(counter packets \d+ bytes \d+|# handle \d+)", "", line).strip() for line in firewall_lines()}
    # The parent group stays. Others may disappear during the walk.
    cgroups = {f"{folder}/{name}" for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names if "consort" in name and name != "consort"}
    processes = {line for line in lines("ps", "-eo", "comm") if "consort" in line}
    routes = lines("ip", "route") | lines("ip", "-6", "route")
    namespaces = {line.split()[0] for line in lines("lsns", "-n", "-t", "net", "-o", "NS")}
    return {
        "links": links,
        "mounts": mounts,
        "firewall rules": rules,
        "cgroups": cgroups,
        "processes": processes,
        "routes": {re.sub(r" (expires \S+|linkdown)", "", r) for r in routes},
        "network namespaces": namespaces,
    }


def bridges():
    return {line.split()[0] for line in run(["ip", "-br", "link", "show", "type", "bridge"]).out.splitlines()}


def remove_rules_of(bridge):
    """Removes the rules that let the bridge pass another firewall of this host (Docker Engine, ufw), chain by chain."""
    table = chain = ""
    for line in map(str.strip, run(["nft", "-a", "list", "ruleset"]).out.splitlines()):
        if line.startswith("table "):
            table = line.split()[1:3]
        elif line.startswith("chain "):
            chain = line.split()[1]
        elif f'comment "consort {bridge}"' in line:
            check(run(["nft", "delete", "rule", *table, chain, "handle", line.split()[-1]]).status == 0, line)


def leaves_the_default_bridge(scenario):
    """The default bridge and its firewall rules stay, as docker0 does; they are removed after this scenario."""
    @functools.wraps(scenario)
    def and_takes_it_away(world):
        bridges_before, rules_before = bridges(), run(["nft", "list", "table", "inet", "consort"])
        try:
            scenario(world)
        finally:  # a failure, too, must leave nothing that makes others fail
            for bridge in bridges() - bridges_before:
                check(run(["ip", "link", "delete", bridge]).status == 0, bridge)
                remove_rules_of(bridge)
            run(["nft", "delete", "table", "inet", "consort"])
            if rules_before.status == 0:
                world.write("rules", rules_before.out)
                check(run(["nft", "-f", world.project / "rules"]).status == 0, "the rules as they were")

    return and_takes_it_away


def differences(before, after):
    found = []
    for name, old in before.items():
        for line in sorted(after[name] - old):
            found.append(f"new in {name}: {line}")
        # An earlier command may have left objects for later removal (the bridge of builds); those of other programs must stay.
        for line in sorted(old - after[name]):
            if name in ("links", "mounts", "routes") and "consort" not in line:
                found.append(f"gone from {name}: {line}")
    return found


class World:
    """A project directory for one scenario, with Consort; the image store is shared unless use_fresh_store() is called."""

    def __init__(self, name, registry):
        self.name = name
        self.registry = registry
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"consort-{name}-", dir="/var/tmp"))
        self.use_roots(SHARED)
        self.project = self.folder / "work"
        self.project.mkdir()
        self.commands = []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("COMPOSE_", "DOCKER_", "CONSORT"))}
        self.env.update(CONSORT_DATA_ROOT=str(self.data), CONSORT_RUN_ROOT=str(self.run_root), NO_COLOR="1",
                        COMPOSE_PROJECT_NAME=re.sub(r"[^a-z0-9]", "", name))
        if registry:
            self.env["CONTAINERS_REGISTRIES_CONF"] = str(registry.configuration)

    def use_roots(self, folder):
        self.data, self.run_root = folder / "data", folder / "run"

    def use_fresh_store(self):
        """Starts without images and volumes, as on a new machine."""
        self.use_roots(self.folder)
        self.env.update(CONSORT_DATA_ROOT=str(self.data), CONSORT_RUN_ROOT=str(self.run_root))

    @property
    def project_name(self):
        return self.env["COMPOSE_PROJECT_NAME"]

    def consort(self, *argv, status=0, cwd=None, env=None, timeout=300, stdin=subprocess.DEVNULL):
        """Runs consort to its end; status None accepts any."""
        start = time.monotonic()
        done = subprocess.run(
            [str(CONSORT), *map(str, argv)], capture_output=True, text=True, errors="replace", cwd=cwd or self.project,
            env={**self.env, **(env or {})}, timeout=timeout, stdin=stdin)
        ran = Ran(["consort", *argv], done.returncode, done.stdout, done.stderr, time.monotonic() - start)
        self.commands.append(ran)
        check("control.sock" not in ran.out + ran.err, f"a socket that no user knows of:\n{ran}")
        if status is not None:
            check(ran.status == status, f"status {ran.status} instead of {status}:\n{ran}")
        return ran

    def start(self, *argv, through=(), **options):
        """Starts consort, through another program if one is given, and returns the process (stdout and stderr are pipes by default)."""
        return subprocess.Popen([*through, str(CONSORT), *map(str, argv)], cwd=self.project, env=self.env,
                                **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options})

    def on_terminal(self, argv, keys, timeout=180):
        """Runs consort on a terminal of its own; keys are (text to wait for, bytes to type[, seconds to wait before typing])."""
        start, keys, out, seen = time.monotonic(), list(keys), b"", 0
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.project)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execve(str(CONSORT), [str(CONSORT), *argv], {**self.env, "TERM": "xterm", "NO_COLOR": ""})
        try:
            while time.monotonic() - start < timeout:
                if select.select([terminal], [], [], 0.1)[0]:
                    try:
                        out += os.read(terminal, 65536)
                    except OSError:  # the other end is closed
                        break
                if keys and keys[0][0].encode() in out[seen:]:
                    seen = len(out)
                    _, typed, *pause = keys.pop(0)
                    time.sleep(sum(pause))
                    os.write(terminal, typed)
            else:
                os.kill(child, signal.SIGKILL)
        finally:
            _, status = os.waitpid(child, 0)
            os.close(terminal)
        ran = Ran(["consort", *argv], os.waitstatus_to_exitcode(status), out.decode(errors="replace"), "", time.monotonic() - start)
        self.commands.append(ran)
        return ran

    def write(self, path, text):
        target = self.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def use_lms(self, name="lms", replace=()):
        """Uses the LMS example as the project; `replace` lists text replacements in its Compose file."""
        shutil.copytree(ROOT / "examples/lms", self.project, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__", "media", "staticfiles"))
        file = self.project / "docker-compose.yml"
        text = file.read_text()
        for old, new in replace:
            check(old in text, f"the example no longer says {old!r}")
            text = text.replace(old, new)
        file.write_text(text)
        self.env["COMPOSE_PROJECT_NAME"] = name

    def ps_all(self):
        return [json.loads(line) for line in self.consort("ps", "-a", "--format", "json").out.splitlines()]

    def ps(self):
        return {c["Service"]: c for c in self.ps_all()}

    def service(self, name):
        return self.ps().get(name, {})

    def supervisor_pids(self):
        return self.pids("consort-supervisor")

    def pids(self, program):
        """The processes of this world's program (found by their run root, so other worlds do not count)."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().split(b"\0")
                named = (entry / "comm").read_text().strip() == program[:15]
                if named and any(str(self.run_root).encode() in word for word in command):
                    found.append(int(entry.name))
        return found

    def destroy(self):
        """Removes everything, even if the scenario failed half-way."""
        if self.data.exists():
            with contextlib.suppress(Exception):
                for project in {p.name for p in (self.run_root / "projects").glob("*")}:
                    subprocess.run([str(CONSORT), "-p", project, "down", "-v", "-t", "0", "--remove-orphans"],
                                   env={k: v for k, v in self.env.items() if k != "COMPOSE_PROJECT_NAME"},
                                   capture_output=True, timeout=60, cwd="/")
        for program in ("consort-keeper", "consort-supervisor"):
            for pid in self.pids(program):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        if self.run_root.is_relative_to(SHARED):
            shutil.rmtree(self.run_root, ignore_errors=True)
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            point = line.split()[4]
            if point.startswith(str(self.folder)):
                run(["umount", "-l", point])
        self.remove(self.folder)

    def remove(self, folder):
        """Also removes files of container users, who are other users on the host."""
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists() and os.geteuid() != 0:
            with tempfile.TemporaryDirectory() as roots:
                subprocess.run([str(CONSORT), "internal", "enter", "rm", "-rf", str(folder)],
                               env={**self.env, "CONSORT_RUN_ROOT": roots + "/run", "CONSORT_DATA_ROOT": roots + "/data"},
                               capture_output=True, timeout=60)

    def keep_artefacts(self, to):
        """On failure: keeps the commands that were run, their output, and the logs."""
        to.mkdir(parents=True, exist_ok=True)
        (to / "commands.txt").write_text("\n\n".join(f"{c}({c.seconds:.3f} s)" for c in self.commands))
        for source in [*self.run_root.rglob("*.log"), *self.run_root.rglob("*.json"), *self.data.glob("containers/*/*.json"),
                       *self.data.glob("containers/*/log*")]:
            target = to / source.relative_to(self.data.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                shutil.copy(source, target)


def prepare_stand_ins(registry):
    """Stand-ins for Debian and PostgreSQL, built once with Consort and pushed to the registry."""
    world = World("images", registry)
    names = ("debian:bookworm-slim", "postgres:15-alpine") + (("lms-web",) if os.geteuid() != 0 else ())
    missing = [name for name in names if world.consort("image", "inspect", name, status=None).status != 0]
    if os.geteuid() != 0:  # root has pushed them
        for name in missing:
            world.consort("image", "pull", name)
        return world.destroy()
    if missing:
        made = subprocess.run([ROOT / "scripts/images", "--stand-ins"], env={**world.env, "CONSORT": str(CONSORT)})
        check(made.returncode == 0, "scripts/images failed")
    for name in names:
        push_for_users(world, name)
    world.destroy()


def push_for_users(world, name):
    """Pushes the image to the registry that stands for Docker Hub."""
    target = f"{world.registry.address}/library/{name}"
    world.consort("image", "tag", name, target)
    world.consort("image", "push", target)
    world.consort("image", "rm", target)


class Registry:
    """Debian's docker-registry on loopback, set as the mirror of Docker Hub."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        (folder / "config.yml").write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{self.address}'}}\n")
        self.configuration = folder / "registries.conf"
        self.configuration.write_text(
            '[[registry]]\nprefix = "docker.io"\nlocation = "docker.io"\n'
            f'[[registry.mirror]]\nlocation = "{self.address}"\ninsecure = true\n')
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=self.log, stderr=self.log)
        eventually("the registry answers", lambda: http("GET", f"http://{self.address}/v2/").status == 200)

    def tags(self, repository):
        return http("GET", f"http://{self.address}/v2/{repository}/tags/list").json().get("tags") or []

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
