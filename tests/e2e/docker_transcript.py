#!/usr/bin/env python3
"""Command lines of docker, recorded once beside the real Docker Engine and replayed at `consort serve`.

  tests/e2e/docker_transcript.py record -H unix:///run/docker.sock --client /usr/bin/docker [SECTION..]
                                              writes SECTION.VERSION.json anew; the engine must have neither images nor containers
  tests/e2e/docker_transcript.py replay -H unix:///run/consort/docker.sock --client /usr/bin/docker [SECTION..]
                                              shows what differs there from the record
  tests/e2e/docker_transcript.py table        writes the table of differences in docs/reference/docker-api.md
  tests/e2e/docker_transcript.py check        whether that table is what the lines say

transcript/docker/SECTION.txt has the lines. What follows #= says which difference of reasons.txt is meant; after #! the exit code differs too.
Recorded with docker 28 and Debian 12's 20.10: a replay takes the record of the command that it has. The image is busybox, made here.
"""
import argparse
import functools
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import image_tools  # noqa: E402
from harness import check, free_port, run  # noqa: E402
from transcript import normalised  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "transcript/docker"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/reference/docker-api.md"
SECTIONS = ("containers", "run", "exec", "images", "build", "networks", "volumes", "system")
APPLETS = ("cat chmod cp df echo env false grep head hostname id ip kill ls mkdir nslookup ping ps pwd readlink rm sh sleep sort stat tail "
           "tar test touch tr true wc").split()
CLEAN = """
docker rm -fv $(docker ps -aq); docker network rm $(docker network ls -q --filter type=custom); docker volume rm $(docker volume ls -q)
docker rmi -f $(docker images -q); docker builder prune -af
"""
TIMEOUT = 60
NEWEST = "28"


def lines(section, version=NEWEST):
    """(command, name of its difference or "", whether even the exit code may differ). #28 is behind what only docker 28 is asked."""
    for line in (HERE / f"{section}.txt").read_text().splitlines():
        if line and not line.startswith("#") and (version == NEWEST or not line.endswith(f" #{NEWEST}")):
            parts = re.fullmatch(rf"(.*?)(?: #([=!]) (\S+))?(?: #{NEWEST})?", line)
            yield parts[1], parts[3] or "", parts[2] == "!"


def tiny_image():
    """A root file system of busybox alone, as a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("bin", "etc", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        content = {"bin/busybox": pathlib.Path("/bin/busybox").read_bytes(),
                   "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\n",
                   "etc/group": b"root:x:0:\ndaemon:x:1:\nusers:x:100:\n"}
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if name == "bin/busybox" else 0o644
            tar.addfile(entry, io.BytesIO(data))
        for name in APPLETS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return out.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Player:
    """A directory with all that the lines need, and a shell there whose docker speaks to the host."""

    def __init__(self, host, client, folder):
        self.folder, self.client = pathlib.Path(folder), pathlib.Path(client).resolve()
        self.version = re.search(r"version (\d+)\.", run([self.client, "--version"]).out)[1]
        shutil.copytree(HERE / "context", self.folder, dirs_exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):  # whatever umask the checkout was made with
            path.chmod(0o755 if path.is_dir() else 0o644)
        for name in ("bin", "config"):
            (self.folder / name).mkdir()
        (self.folder / "bin/docker").symlink_to(self.client)
        (self.folder / "hello.txt").write_text("hello\n")
        (self.folder / "env.txt").write_text("# comment\nX=from file\nY\n")
        (self.folder / "tiny.tar").write_bytes(tiny_image())
        # buildx of the same installation, where there is one.
        plugins = self.client.parents[1] / "libexec/docker/cli-plugins"
        if (plugins / "docker-buildx").exists():
            (self.folder / "config/cli-plugins").mkdir()
            (self.folder / "config/cli-plugins/docker-buildx").symlink_to(plugins / "docker-buildx")
        self.plain = image_tools.ApiRegistry(self.folder / "plain-registry")
        self.safe = image_tools.ApiRegistry(self.folder / "safe-registry", password=True)
        self.web = self.serve_context()
        self.port = free_port()
        keep = ("PATH", "TMPDIR", "LANG")
        self.env = {**{k: v for k, v in os.environ.items() if k in keep}, "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                    "HOME": str(self.folder), "PWD": str(self.folder), "DOCKER_HOST": host, "DOCKER_CONFIG": f"{self.folder}/config", "DOCKER_BUILDKIT": "0",
                    "REG": self.plain.host, "SAFE": self.safe.host, "WEB": f"http://127.0.0.1:{self.web.server_port}", "PORT": str(self.port)}

    def serve_context(self):
        root = self.folder / "web"

        def as_recorded(info):
            info.mtime = 1764536262.1234567  # its length is in the archive's first block, which an error shows
            return info

        with tarfile.open(root / "context.tar", "w") as tar:
            for name in ("Dockerfile", "Other"):
                tar.add(root / name, name, filter=as_recorded)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=root))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def close(self):
        for registry in (self.plain, self.safe):
            registry.close()
        self.web.shutdown()
        self.web.server_close()

    def shell(self, command):
        try:
            return subprocess.run(["sh", "-c", command], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=TIMEOUT)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(command, -1, "", f"not within {TIMEOUT} s: {late.stderr}")

    def normalised(self, text):
        for value, name in ((self.plain.host, "<registry>"), (self.safe.host, "<safe>"), (self.env["WEB"], "<web>")):
            text = text.replace(value, name)
        text = normalised(text.replace(str(self.folder.resolve()), str(self.folder)), self.folder)
        # Depend on how fast the client is, and on whether it was the create or the start that failed.
        text = re.sub(r'time="<time>" level=error msg="error waiting for container: context canceled"\n', "", text)
        text = re.sub(r"\n+(See 'docker run --help'\.|Run 'docker run --help' for more information)\n", "\n", text)
        text = re.sub(rf"\b{self.port}\b", "<port>", text)
        text = re.sub(r"\b\d+(\.\d+)?(e[+-]\d+)? ?([kKMG]i?)?B\b(/s)?", "<size>", text)
        text = re.sub(r"\b(172\.(1[6-9]|2\d|3[01])|192\.168)\.\d+\.\d+", "<ip>", text)
        text = re.sub(r"\S*/volumes/(?=\w+/_data)", "<volumes>/", text)
        text = re.sub(r"from 0.01 to .*, as there are only .* CPUs available|available: [0-9,-]+", "<processors>", text)
        text = re.sub(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<mac>", text)
        return re.sub(r"\b(127\.0\.0\.1|\[::1\]|127\.0\.0\.53|\[?[0-9a-f:.]+\]?):\d{4,5}->", "<address>->", text)

    def play(self, section):
        """For each line its exit code, output and errors."""
        made = self.shell("docker import -c 'CMD [\"sh\"]' tiny.tar tiny:1")
        check(made.returncode == 0, str(made))
        self.env["BEGAN"] = str(time.time())  # an engine still has the events of what was before
        for command, reason, free in lines(section, self.version):
            done = self.shell(command)
            yield command, reason, free, {"status": done.returncode, "out": self.normalised(done.stdout), "err": self.normalised(done.stderr)}
        self.shell(CLEAN)


def recorded(section, version):
    file = HERE / f"{section}.{version}.json"
    check(file.exists(), f"no record with docker {version}")
    return json.loads(file.read_text())


def difference(mine, docker, reason, free):
    """What is wrong with a line, or "". A difference that is no longer there is wrong too."""
    differs = [key for key in ("status", "out", "err") if mine[key] != docker[key]]
    if reason and not differs:
        return f"  the same now: it needs no #= {reason}"
    return "".join(f"  {key}: {mine[key]!r}\n  docker: {docker[key]!r}\n" for key in differs if not (free or (reason and key != "status")))


def replay(player, section):
    """The lines that differ, each with how."""
    record = recorded(section, player.version)
    changed = set(command for command, *_ in lines(section, player.version)) ^ set(each["command"] for each in record)
    check(not changed, f"{section}: the record is not of these lines: {changed}")
    wrong = []
    for (command, reason, free, mine), docker in zip(player.play(section), record, strict=True):
        if found := difference(mine, docker, reason, free):
            wrong.append(f"{command}\n{found}")
    return wrong


def record(player, section):
    answers = [{"command": command, **answer} for command, _, _, answer in player.play(section)]
    (HERE / f"{section}.{player.version}.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")


def play(options):
    with tempfile.TemporaryDirectory(prefix="docker-transcript-", dir=options.directory) as folder:
        player = Player(options.host, options.client, folder)
        try:
            for section in options.sections or SECTIONS:
                if options.what == "record":
                    record(player, section)
                else:
                    print("\n".join(replay(player, section)), flush=True)
        finally:
            player.close()


def escaped(command):
    return command.replace("|", "\\|")


def page():
    """docs/reference/docker-api.md with the table as the lines have it."""
    reasons = [[part.strip() for part in line.split(" | ")] for line in (HERE / "reasons.txt").read_text().splitlines() if line]
    marked = {name: command for section in reversed(SECTIONS) for command, name, _ in reversed(list(lines(section))) if name}
    unknown = set(marked) - {each[0] for each in reasons}
    check(not unknown and len(marked) == len(reasons), f"reasons without lines, or lines without: {unknown or set(r[0] for r in reasons) - set(marked)}")
    count = sum(1 for section in SECTIONS for _ in lines(section))
    same = sum(1 for section in SECTIONS for _, name, _ in lines(section) if not name)
    rows = [f"| `{escaped(marked[name])}` | {docker} | {here} | {why} |" for name, docker, here, why in reasons]
    text = (f"Of {count} command lines compared with Engine 28.5.2 (`tests/e2e/transcript/docker`), {same} have the same output, errors and exit codes. "
            "The others, by kind:\n\n| line | Docker | here | why |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
    return re.sub(r"(<!-- transcript -->\n).*?(<!-- end -->)", lambda found: found[1] + text + found[2], PAGE.read_text(), flags=re.S)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("record", "replay", "table", "check"))
    parser.add_argument("-H", dest="host", default="unix:///var/run/docker.sock")
    parser.add_argument("--client", default=shutil.which("docker"))
    parser.add_argument("--directory", default="/var/tmp", help="one that the engine sees under the same name")
    parser.add_argument("sections", nargs="*")
    options = parser.parse_intermixed_args()
    if options.what in ("record", "replay"):
        return play(options)
    if options.what == "table":
        PAGE.write_text(page())
    return 0 if page() == PAGE.read_text() else 1


if __name__ == "__main__":
    sys.exit(main())
