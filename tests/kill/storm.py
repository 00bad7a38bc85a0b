"""PostgreSQL writes and a service prints numbers while keeper, supervisor and commands are killed at random.

Whichever process is killed, the next command works within its deadline, every acknowledged row exists, and the log has each line once.
"""
import contextlib
import datetime
import os
import re
import signal
import subprocess
import threading
import time

from steps import DEADLINE, Violation, harness, hold, keep, listing, tear_down

COMPOSE = """\
services:
  db:
    image: postgres:15-alpine
    environment: {POSTGRES_PASSWORD: word}
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U postgres"], interval: 1s, timeout: 5s, retries: 60}
    restart: unless-stopped
    volumes: ["rows:/var/lib/postgresql/data"]
    ports: ["127.0.0.1:PORT:5432"]
  count:
    image: debian:bookworm-slim
    restart: unless-stopped
    stop_grace_period: 1s
    # One numbered line per tick, continuing from the number in its volume, which is saved only after the line was written.
    command:
      - sh
      - -c
      - 'n=$$(cat /state/n 2>/dev/null || echo 0); trap "exit 0" TERM;
        while :; do echo "line $$n"; n=$$((n+1)); echo $$n > /state/m; mv /state/m /state/n; sleep 0.05; done'
    volumes: ["state:/state"]
  job:
    image: debian:bookworm-slim
    command: sleep infinity
    stop_grace_period: 0s
    environment: {VERSION: "${VERSION:-0}"}
    depends_on: {db: {condition: service_healthy}}
volumes: {rows: {}, state: {}}
"""


class Writer(threading.Thread):
    """Inserts rows one by one, each acknowledged or not; reconnects when the connection breaks."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.acknowledged, self.ended = port, [], threading.Event()

    def sql(self, text, timeout=20):
        return subprocess.run(["psql", "-qtAX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text],
                              env={**os.environ, "PGPASSWORD": "word", "PGCONNECT_TIMEOUT": "5"}, capture_output=True, text=True, timeout=timeout)

    def run(self):
        number = 0
        while not self.ended.is_set():
            number += 1
            try:
                if self.sql(f"insert into rows values ({number})").returncode == 0:
                    self.acknowledged.append(number)
                else:
                    time.sleep(0.05)
            except subprocess.TimeoutExpired:
                pass


def victims(world, chooser, command):
    """Pids to kill: one kind of process, or several at once."""
    kinds = {"keeper": world.pids("consort-keeper"), "supervisor": world.pids("consort-supervisor"),
             "command": [command.pid] if command else []}
    chosen = chooser.choice([["supervisor"], ["keeper"], ["command"], ["supervisor", "keeper"], ["supervisor", "command"], ["keeper", "supervisor", "command"]])
    return chosen, [pid for kind in chosen for pid in kinds[kind]]


def utc():
    """The time in the format of `logs -t`."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def one_round(world, chooser, number, history):
    """Starts a command and kills something while it runs; the next `up` must repair everything."""
    argv = chooser.choice([
        ("up", "-d"), ("restart", "count"), ("restart", "-t", "1"), ("stop", "count"), ("up", "-d", "--force-recreate", "job"),
        ("kill", "count"), ("exec", "-T", "count", "sleep", "0.2"), ("run", "--rm", "-T", "--no-deps", "job", "sleep", "0.2"), ("ps", "-a"),
        ("logs", "--tail", "5")])
    world.env["VERSION"] = str(number)
    command = world.start(*argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chooser.choice([0, 0.002, 0.01, 0.03, 0.1, 0.3]) * chooser.random())
    kinds, pids = victims(world, chooser, command)
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        # Surviving processes may already be repairing things when they are killed.
        time.sleep(chooser.choice([0, 0, 0.003, 0.03, 0.1]) * chooser.random())
    told = f"{' '.join(argv)}, killed: {', '.join(kinds)} {pids}"
    history.append(f"{utc()} round {number}: {told}")
    try:
        command.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        command.kill()
        raise Violation(f"it hangs: {told}") from None
    try:
        ran = world.consort("up", "-d", "--wait", status=None, timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        raise Violation(f"the next up hangs: {told}") from None
    hold(ran.status == 0, f"the next up fails: {told}\n{ran}")
    states = {c["Service"]: c["State"] for c in world.ps_all()}
    hold(all(states.get(s) == "running" for s in ("db", "count", "job")), f"not all run after up: {told}: {states}")
    return told


def check_log(world, history):
    """Each numbered line once, in order. A start after a kill may repeat the last number, which had not been saved yet."""
    logged = world.consort("logs", "-t", "--no-log-prefix", "count", timeout=DEADLINE).out.splitlines()
    logged = [line for line in logged if re.search(r" line \d+$", line)]
    lines = [int(line.split()[-1]) for line in logged]
    starts = sum(1 for a, b in zip(lines, lines[1:]) if b == a)
    gaps = [at for at in range(1, len(lines)) if lines[at] not in (lines[at - 1], lines[at - 1] + 1)]
    if gaps:
        # Together with the actions at those times: lines of both the log and the history begin with the time.
        near = {at for gap in gaps[:10] for at in range(max(gap - 4, 0), gap + 4)}
        shown = sorted([logged[at] for at in near if at < len(logged)] + history)
        found = [at for at, line in enumerate(shown) if "round" not in line]
        shown = shown[max(found[0] - 5, 0):found[-1] + 5]
        raise Violation(f"lines lost or out of order: {[(lines[at - 1], lines[at]) for at in gaps[:10]]} of {len(lines)}\n  " + "\n  ".join(shown))
    return len(lines), starts


def check_rows(writer):
    acknowledged = set(writer.acknowledged)  # a copy: the writer continues
    ran = harness.eventually("the database answers", lambda: (r := writer.sql("select n from rows", 60)).returncode == 0 and r, DEADLINE)
    found = {int(n) for n in ran.stdout.split()}
    lost = sorted(acknowledged - found)
    hold(not lost, f"{len(lost)} acknowledged rows are lost: {lost[:10]}")


def run(registry, chooser, seconds):
    """Returns (rounds, violations)."""
    world = harness.World("storm", registry)
    tear_down(world)
    world = harness.World("storm", registry)
    port = harness.free_port()
    world.write("compose.yaml", COMPOSE.replace("PORT", str(port)))
    rounds = violations = 0
    history = []
    writer = Writer(port)
    end = time.monotonic() + seconds
    try:
        world.consort("up", "-d", "count", timeout=DEADLINE)
        world.consort("down", "-v", "-t", "0", timeout=DEADLINE)
        before = listing(world)
        world.consort("up", "-d", "--wait", timeout=DEADLINE * 3)
        harness.eventually("the table is made", lambda: writer.sql("create table if not exists rows (n int)").returncode == 0)
        writer.start()
        while time.monotonic() < end:
            rounds += 1
            try:
                one_round(world, chooser, rounds, history)
                if rounds % 20 == 0:
                    check_rows(writer)
            except (Violation, harness.Failure, subprocess.TimeoutExpired) as violation:
                violations += 1
                print(f"VIOLATION in round {rounds}: {violation}", flush=True)
                keep(world, harness.SHARED / "killed" / f"storm-{rounds}", f"{violation}\n\n" + "\n".join(history))
                if violations >= 5:
                    break
        writer.ended.set()
        writer.join(30)
        check_rows(writer)
        lines, again = check_log(world, history)
        print(f"storm: {rounds} rounds, {len(writer.acknowledged)} acknowledged rows, {lines} log lines ({again} said again)", flush=True)
        world.consort("down", "-v", "-t", "1", timeout=DEADLINE)
        harness.eventually("nothing is left behind", lambda: listing(world) <= before, DEADLINE)
    except (Violation, harness.Failure, subprocess.TimeoutExpired) as violation:
        violations += 1
        left = "".join(f"\n  left: {line}" for line in sorted(listing(world) - before)) if "left behind" in str(violation) else ""
        print(f"VIOLATION: {violation}{left}", flush=True)
        keep(world, harness.SHARED / "killed" / "storm", f"{violation}\n\n" + "\n".join(history), with_data=True)
    finally:
        writer.ended.set()
        tear_down(world)
    return rounds, violations
