"""Libraries that speak to Docker, as programs use them."""
import io
import os
import pathlib
import shutil
import subprocess
import tarfile

from harness import Skip, check, eventually, leaves_the_default_bridge
from scenarios_serve import Server, UnixConnection

CLIENTS = pathlib.Path(__file__).parent / "clients"


def run(server, *argv, **env):
    done = subprocess.run(argv, env={**os.environ, "DOCKER_HOST": "unix://" + server.socket, **env}, capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, f"{argv}: {done.stdout[-2000:]}\n{done.stderr[-3000:]}")


@leaves_the_default_bridge
def scenario_api_docker_py(world):
    """docker-py must do with the server what it does with Docker's."""
    python = "/usr/bin/python3"  # Debian's, which has Debian's packages
    if subprocess.run([python, "-c", "import docker"], capture_output=True).returncode != 0:
        raise Skip("there is no docker-py (Debian: python3-docker)")
    with Server(world) as server:
        run(server, python, str(CLIENTS / "with_docker_py.py"))


def node_modules():
    """Where `npm install dockerode@4 testcontainers@11` was done (scripts/install-deps clients), if it was."""
    folder = pathlib.Path(os.environ.get("CONSORT_CLIENTS", "/var/cache/consort-clients"))
    if not shutil.which("node") or not (folder / "node_modules/testcontainers").is_dir():
        raise Skip("there is no dockerode and no Testcontainers (scripts/install-deps clients)")
    return str(folder)


@leaves_the_default_bridge
def scenario_api_dockerode_and_testcontainers(world):
    """What tests of Node programs start, wait for, look into and reuse must work as with Docker."""
    modules = node_modules()
    with Server(world) as server:
        run(server, "node", str(CLIENTS / "with_dockerode.mjs"), CLIENTS=modules)
        has_compose = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0 if shutil.which("docker") else False
        run(server, "node", str(CLIENTS / "with_testcontainers.mjs"), CLIENTS=modules, TESTCONTAINERS_RYUK_DISABLED="true",
            **({"WITH_COMPOSE": "1"} if has_compose else {}))
        for made in server.ask("GET", "/containers/json?all=1")[1]:  # what was to be reused, if a version leaves it
            server.ask("DELETE", f"/containers/{made['Id']}?force=1")


@leaves_the_default_bridge
def scenario_api_testcontainers_reaper(world):
    """When a test program is killed, Testcontainers' reaper (a stand-in of it) must remove its containers through the socket that it has mounted."""
    modules = node_modules()
    with Server(world) as server:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, content in (("Dockerfile", b'FROM debian:bookworm-slim\nCOPY reaper.pl /\nCMD ["perl", "/reaper.pl"]\n'),
                                  ("reaper.pl", (CLIENTS / "reaper.pl").read_bytes())):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        building = UnixConnection(server.socket)
        building.request("POST", "/build?t=reaper:1", context.getvalue(), {"Content-Type": "application/x-tar"})
        told = building.getresponse().read()
        building.close()
        check(b"Successfully tagged reaper:1" in told, str(told))
        program = subprocess.Popen(["node", str(CLIENTS / "with_reaper.mjs")], stdout=subprocess.PIPE, text=True, env={
            **os.environ, "DOCKER_HOST": "unix://" + server.socket, "CLIENTS": modules, "RYUK_CONTAINER_IMAGE": "reaper:1",
            "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE": server.socket})
        try:
            check(program.stdout.readline() == "started\n", "it has started its container")
            check(len(server.ask("GET", "/containers/json")[1]) == 2, "its container and the reaper")
        finally:
            program.kill()
            program.wait()
            program.stdout.close()
        eventually("both are gone", lambda: server.ask("GET", "/containers/json?all=1")[1] == [])
        check(server.ask("DELETE", "/images/reaper:1")[0] == 200, "its image")
