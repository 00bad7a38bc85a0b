"""The tutorial's manual way, with the docker command."""
import os
import pathlib
import shutil
import subprocess

from harness import Skip, check, eventually, http, leaves_the_default_bridge
from scenarios_serve import Server

# As it stands there.
MANUAL_WAY = """
# Create network
docker network create my-network

# Run PostgreSQL
docker run -d --name postgres --network my-network \\
  -e POSTGRES_PASSWORD=mypass -e POSTGRES_DB=mydb postgres:15

# Run Django
docker run -d --name django --network my-network \\
  -p 8000:8000 -e DB_HOST=postgres lms-api-project:v2
"""


def docker_command():
    """Debian's own (scripts/install-deps puts it there without its engine), or whichever there is."""
    debians = pathlib.Path(os.environ.get("CONSORT_CLIENTS", "/var/cache/consort-clients")) / "docker/usr/bin/docker"
    docker = debians if debians.exists() else shutil.which("docker")
    if not docker:
        raise Skip("there is no docker command (scripts/install-deps test)")
    return pathlib.Path(docker)


@leaves_the_default_bridge
def scenario_api_tutorial_by_hand(world):
    """The lines that the tutorial types before it has a Compose file must do what it says, and each container find the other."""
    docker = docker_command()
    world.use_lms()
    with open(world.project / "Dockerfile", "a") as file:
        file.write("ENV DB_NAME=mydb DB_USER=postgres DB_PASSWORD=mypass\n")  # the line gives no more than the host
    world.consort("image", "tag", "postgres:15-alpine", "postgres:15")

    def sh(lines):
        done = subprocess.run(["bash", "-ec", lines], capture_output=True, text=True, timeout=300, cwd=world.project, env={
            **os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}", "DOCKER_HOST": "unix://" + server.socket, "DOCKER_CONFIG": str(world.folder)})
        check(done.returncode == 0, f"{lines}: {done}")
        return done.stdout

    with Server(world) as server:
        try:
            by_hand(sh)
        finally:
            sh("docker rm -f -v django postgres; docker network rm my-network; docker rmi lms-api-project:v2 postgres:15")


def by_hand(sh):
    built = sh("DOCKER_BUILDKIT=0 docker build -t lms-api-project:v2 .")
    check("Successfully tagged lms-api-project:v2\n" in built, built)
    ids = sh(MANUAL_WAY).split()
    check([len(each) for each in ids] == [64, 64, 64], str(ids))
    listed = sh("docker ps --format '{{.Names}} {{.Image}} {{.Ports}}'").splitlines()
    check(listed == ["django lms-api-project:v2 0.0.0.0:8000->8000/tcp, :::8000->8000/tcp", "postgres postgres:15 5432/tcp"], str(listed))
    # Until the entrypoint has made the database, a server without it is there.
    eventually("the database answers", lambda: sh("docker exec postgres env PGPASSWORD=mypass psql -h postgres -U postgres -d mydb -tAc 'select 6 * 7' || :") == "42\n", 120)
    sh("docker restart -t 0 django")  # it did not wait for the database: what the tutorial goes on to mend
    eventually("the site answers", lambda: http("GET", "http://localhost:8000/admin/login/").status == 200, 120)
    check("Starting development server" in sh("docker logs django 2>&1"), "its log")
    check(sh("docker network inspect my-network --format '{{len .Containers}}'") == "2\n", "both are on it")
