"""Projects that are published, and files that come from elsewhere; containers without a project; logs that go elsewhere."""
import json
import os
import shutil
import socket
import subprocess

from harness import Skip, check, eventually, free_port, leaves_the_default_bridge

IMAGE = "debian:bookworm-slim"


def scenario_a_published_project_runs_from_the_registry(world):
    """`publish` and `-f oci://` must give the same project; files from elsewhere must not run before somebody has agreed to them."""
    world.env["XDG_CACHE_HOME"] = str(world.folder / "cache")
    world.write("compose.yaml", f"""
services:
  app: {{image: "{IMAGE}", command: ["sh", "-c", "echo $$HELLO"], env_file: [app.env]}}
""")
    world.write("app.env", "HELLO=from the registry\n")
    name = f"{world.registry.address}/shop/front"
    refused = world.consort("publish", name, "-y", status=1)
    check("--with-env" in refused.err, str(refused))
    world.consort("publish", name, "--with-env", "-y")
    here = world.consort("config").out
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    there = world.consort("-p", world.project_name, "-f", f"oci://{name}", "config", cwd=elsewhere).out
    check(here == there, f"{here}\n---\n{there}")
    world.write("../elsewhere/compose.yaml", f"name: {world.project_name}\ninclude: [oci://{name}]\n")
    refused = world.consort("up", status=1, cwd=elsewhere)
    check("sha256:" in refused.out and IMAGE in refused.out and "confirmed" in refused.err, str(refused))
    declined = world.on_terminal(["-f", str(elsewhere / "compose.yaml"), "up"], [("[y/N]", b"n\n")])
    check(declined.status == 1 and "operation cancelled by user" in declined.out, str(declined))
    check(world.ps_all() == [], "something was made")
    ran = world.consort("up", "--yes", cwd=elsewhere)
    check("from the registry" in ran.out, str(ran))
    ran = world.consort("up", cwd=elsewhere)  # agreed to
    check("from the registry" in ran.out, str(ran))
    world.write("app.env", "HELLO=changed\n")
    world.consort("publish", name, "--with-env", "-y")
    refused = world.consort("up", status=1, cwd=elsewhere)
    check("confirmed" in refused.err, "the same name with other content is taken for what was agreed to")


def scenario_warnings_of_files_from_elsewhere_have_no_colour_with_ansi_never(world):
    """What is said of a file that cannot be fetched must obey `--ansi` and COMPOSE_ANSI."""
    world.env["XDG_CACHE_HOME"] = str(world.folder / "cache")
    line = ["-f", f"oci://127.0.0.1:{free_port()}/none", "config"]
    coloured = world.on_terminal(line, [])
    check("\033[33mWARN" in coloured.out, str(coloured))
    for words, variable in ((["--ansi", "never"], {}), ([], {"COMPOSE_ANSI": "never"})):
        world.env.update(variable)
        plain = world.on_terminal([*words, *line], [])
        check("WARN" in plain.out and "\033[33m" not in plain.out, str(plain))


def scenario_a_git_repository_is_read_at_its_commit(world):
    """A Compose file of a git repository must be the one of the branch or tag that is named, and nothing of it may run on the way."""
    if not shutil.which("git"):
        raise Skip("git is not installed")
    world.env["XDG_CACHE_HOME"] = str(world.folder / "cache")
    source = world.folder / "git" / "site"
    source.mkdir(parents=True)
    git = ["git", "-C", str(source), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(source)], check=True)
    for word in ("one", "two"):
        (source / "compose.yaml").write_text(f"services: {{web: {{image: '{IMAGE}', hostname: {word}}}}}\n")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", word], check=True)
        subprocess.run([*git, "tag", "-a", "-m", word, f"v-{word}"], check=True)
    port = free_port()
    daemon = subprocess.Popen(["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
                               f"--base-path={world.folder / 'git'}"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually("git serves", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        remote = f"git://127.0.0.1:{port}/site"
        for reference, word in (("", "two"), ("#v-one", "one"), ("#main", "two")):
            config = world.consort("-f", remote + reference, "config", cwd=world.folder, env={"COMPOSE_PROJECT_NAME": ""}).out
            check(f"hostname: {word}" in config and "name: site" in config, config)
        missing = world.consort("-f", remote + "#nope", "config", status=1, cwd=world.folder)
        check("does not contain ref nope" in missing.err, str(missing))
    finally:
        daemon.terminate()
        daemon.wait()
    config = world.consort("-f", remote, "config", cwd=world.folder)  # as it was the last time
    check("hostname: two" in config.out and "cannot be reached now" in config.err, str(config))


@leaves_the_default_bridge
def scenario_an_image_runs_without_a_project(world):
    """`run IMAGE` outside a project must do what `docker run` does, and `inspect` must show it."""
    outside = world.folder / "outside"
    outside.mkdir()
    name = f"{world.project_name}-alone"
    world.env["COMPOSE_PROJECT_NAME"] = ""  # no project is meant
    ran = world.consort("run", "--rm", "-e", "A=b", "-w", "/tmp", IMAGE, "sh", "-c", "echo $A $PWD; exit 3", status=3, cwd=outside)
    check(ran.out == "b /tmp\n", str(ran))
    started = world.consort("run", "-d", "--init", "--name", name, "-l", "x.y=1", "-m", "64m", IMAGE, "sleep", "1000", cwd=outside)
    try:
        form = '{{.State.Status}} {{index .Config.Labels "x.y"}} {{.HostConfig.Memory}} {{.Id}}'
        shown = world.consort("inspect", "-f", form, name, cwd=outside).out
        check(shown == f"running 1 {64 << 20} {started.out}", shown)
        check(world.consort("exec", name, "echo", "in it", cwd=outside).out == "in it\n", "exec by name")
    finally:
        world.consort("rm", "-f", name, cwd=outside)
    missing = world.consort("inspect", name, status=1, cwd=outside)
    check(missing.out == "[]\n" and f"No such object: {name}" in missing.err, str(missing))
    failed = world.consort("run", "--rm", IMAGE, "/nope", status=127, cwd=outside)
    check("no such file" in failed.err, str(failed))
    world.consort("run", "-d", "--rm", "--name", name, IMAGE, "/nope", status=127, cwd=outside)
    world.consort("run", "--rm", "--name", name, "--tmpfs", "/proc", IMAGE, "true", status=125, cwd=outside)
    check(world.consort("run", "--pull", "never", "not/there", status=125, cwd=outside).err != "", "said nothing")
    # Nobody would know of a container whose id is nowhere.
    (outside / "id").write_text("")
    world.consort("run", "--cidfile", "id", "--name", name, IMAGE, "true", status=125, cwd=outside)
    check(world.consort("inspect", name, status=1, cwd=outside).out == "[]\n", "a container was left")
    world.consort("run", "--pull", "never", "--cidfile", "other", "not/there", status=125, cwd=outside)
    check([path.name for path in outside.iterdir()] == ["id"], "a file was left for no container")


def scenario_lines_reach_syslog_and_logs(world):
    """With the syslog driver each line must reach the receiver and `logs`; a receiver that is not there must stop the start with its name."""
    path = world.folder / "log.sock"
    world.write("compose.yaml", f"""
services:
  a:
    image: "{IMAGE}"
    command: sh -c 'echo one; echo two >&2'
    logging: {{driver: syslog, options: {{syslog-address: "unixgram://{path}", syslog-format: rfc5424, tag: "{{{{.Name}}}}"}}}}
""")
    refused = world.consort("up", status=1)
    check(str(path) in refused.err, str(refused))
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(path))
    os.chmod(path, 0o666)
    world.consort("up", "-d")
    receiver.settimeout(60)
    got = sorted(receiver.recv(65536).decode() for _ in range(2))
    receiver.close()
    name = f"{world.project_name}-a-1"
    check(got[0].startswith("<27>1 ") and got[0].endswith(f" {name} - two\n") and got[1].endswith(f" {name} - one\n"), repr(got))
    check(sorted(world.consort("logs", "--no-log-prefix").out.split()) == ["one", "two"], "logs")
    shown = json.loads(world.consort("inspect", name).out)[0]["HostConfig"]["LogConfig"]
    check(shown["Type"] == "syslog", str(shown))
