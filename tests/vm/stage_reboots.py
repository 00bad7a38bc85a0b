"""A database, and a program that writes to it, which are always restarted; the stage `back` checks them after each boot."""
import os
import pathlib
import subprocess

from run import PATIENCE, ROOT, Project, check, eventually, run, sh

FOLDER = pathlib.Path.home() / "reboots"
# Its first and last statements are checked; between them it writes as fast as it can.
WRITER = r"""
ask() { psql -h db -U postgres -qAtc "$1" >>/told/log 2>&1; }
ask 'create table if not exists load (id bigserial primary key, text text)' || echo "$(date) it was not there at the start" >>/told/wrong
trap 'kill $writer; ask "select 1" || echo "$(date) it was not there at the end" >>/told/wrong; exit 0' TERM
while :; do
  yes "insert into load (text) values (repeat('x', 500));" | head -n 500 | psql -h db -U postgres -q >>/told/log 2>&1 & writer=$!
  wait $writer
  ask 'truncate load'
done
"""
STACK = """
services:
  db:
    image: postgres:15-alpine
    environment: {POSTGRES_HOST_AUTH_METHOD: trust}
    volumes: ["rows:/var/lib/postgresql/data"]
    ports: ["15432:5432"]
    healthcheck: {test: [CMD, pg_isready, -h, localhost, -U, postgres], interval: 2s, retries: 60}
    restart: unless-stopped
    stop_grace_period: 60s
  web:
    image: postgres:15-alpine
    entrypoint: [bash, /writer]
    configs: [{source: writer, target: /writer}]
    depends_on: {db: {condition: service_healthy}}
    volumes: ["told:/told"]
    stop_signal: SIGTERM
    restart: always
    stop_grace_period: 60s
configs: {writer: {file: writer}}
volumes: {rows: {}, told: {}}
"""


def stack():
    FOLDER.mkdir(exist_ok=True)
    writer = FOLDER / "writer"
    # Not rewritten at each start: a shell that has just been started might find it empty, and end.
    if not writer.exists() or writer.read_text() != WRITER:
        writer.write_text(WRITER)
    return Project(STACK, "reboots", FOLDER, image=None)  # not in a `with` block: it stays


def need_postgres():
    if run(["consort", "image", "inspect", "postgres:15-alpine"]).status == 0:
        return
    packed = pathlib.Path("/root/images.tar") if os.geteuid() == 0 else pathlib.Path("/home/tester/images.tar")
    if packed.exists():
        subprocess.run(["consort", "image", "load", "-i", packed], check=True)  # without a timeout
    else:
        made = subprocess.run([ROOT / "scripts/images", "--stand-ins"], env={**os.environ, "CONSORT": "/usr/bin/consort"})
        check(made.returncode == 0, "scripts/images failed")


def check_stack_is_up():
    """It is asked to come back, and runs."""
    need_postgres()
    sh("consort boot enable")
    if os.geteuid() != 0:
        sh("sudo loginctl enable-linger tester")
    project = stack()
    subprocess.run(["consort", "up", "-d", "--wait"], cwd=project.folder, check=True)
    check({c["State"] for c in project.ps().values()} == {"running"}, f"{project.ps()}")
    eventually("it writes", lambda: project.inside("db", "psql -U postgres -Atc 'select count(*) from load'") != "0", 5 * PATIENCE)
