"""Sessions with the command line, recorded once with the real Docker Compose and replayed with Consort.

  tests/e2e/transcript.py --docker 'CMD...' --docker-root DIR [SESSION..]     records transcript/SESSION.json anew

CMD runs docker; its files lie under DIR (/ unless it has a root of its own). debian:bookworm-slim must be there.
"""
import argparse
import json
import pathlib
import re
import shlex
import shutil
import subprocess

import harness

HERE = pathlib.Path(__file__).resolve().parent / "transcript"
FOLDER = "clicmp"
SESSIONS = ("commands", "flags", "files", "points")
ERRORS, WORDS, ALL = "~", "=", "!"  # what may differ: standard error, all that is printed, the exit code as well


def commands(session):
    """(command, what may differ or "")"""
    for line in (HERE / f"{session}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            parts = re.fullmatch(r"(.*?)(?:\s+#([~=!]) .+)?", line)
            yield parts[1], parts[2] or ""


def prepare(folder, session):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if (HERE / session).is_dir():
        shutil.copytree(HERE / session, folder, dirs_exist_ok=True)
    shutil.copy(HERE / "compose.yaml", folder)
    (folder / "hello.txt").write_text("hi\n")


def normalised(text, folder):
    text = text.replace(str(folder), f"/{FOLDER}")
    text = re.sub(r"\b[0-9a-f]{64}\b", "<id>", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "<id>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4} UTC)?", "<time>", text)
    text = re.sub(r"(Less than a second|About a minute|\d+ (seconds?|minutes?|hours?))( ago)?", "<age>", text)
    text = re.sub(r"^Error response from daemon: ", "", text, flags=re.M)
    return re.sub(r"(?<=\S) {2,}", "  ", re.sub(r" +$", "", text, flags=re.M))


def plain(lines):
    """Without colours, empty lines, what Docker says once for each dependent, and the layer of it that speaks."""
    lines = {re.sub(r"\x1b\[\w*m|Error response from daemon: ", "", line).strip() for line in lines}
    return sorted(lines - {""})


def without_places(lines):
    """What Consort says about errors besides Docker's words: the line of the file, and what to do."""
    added = re.compile(r" *(-->|:::|help:|note:|\.\.\.$|\d* \|)| {8}")
    return [re.sub(r"^error: ", "", line) for line in lines if not added.match(line)]


def play(session, compose, run_shell, folder):
    """Runs the session; for each command its exit code, output, and errors (whose lines come in no fixed order)."""
    for command, free in commands(session):
        done = run_shell(re.sub(r"((?:^|[;&|] ?)(?:[A-Z_]+=\S* )*)dc ", rf"\g<1>{compose} ", command))
        yield command, free, {
            "status": done.status, "out": normalised(done.out, folder),
            "err": sorted(normalised(done.err, folder).splitlines())}


def differences(mine, docker, free):
    mine = {**mine, "err": plain(without_places(mine["err"]))}
    docker = {**docker, "err": plain(docker["err"])}
    compared = {"": ("status", "out", "err"), ERRORS: ("status", "out"), WORDS: ("status",), ALL: ()}[free]
    return [f"  {key}: {mine[key]!r}\n  docker: {docker[key]!r}" for key in compared if mine[key] != docker[key]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--docker", required=True)
    parser.add_argument("--docker-root", default="/", type=pathlib.Path)
    parser.add_argument("sessions", nargs="*", default=SESSIONS)
    options = parser.parse_args()
    folder = options.docker_root / "root" / FOLDER
    wrap = shlex.split(options.docker)[:-1]

    def run_shell(text):
        return harness.run([*wrap, "sh", "-c", f"cd /root/{FOLDER} && {text}"], stdin=subprocess.DEVNULL)

    for session in options.sessions:
        prepare(folder, session)
        record = [{"command": command, **answer}
                  for command, _, answer in play(session, "docker compose", run_shell, f"/root/{FOLDER}")]
        (HERE / f"{session}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
