"""Jobs: by hand and by the clock."""
import contextlib
import json
import os
import signal
import time

from harness import check, eventually

IMAGE = "debian:bookworm-slim"
FILE = f"""
services:
  db: {{image: "{IMAGE}", command: sleep 1000, init: true, healthcheck: {{test: test -e /ready, interval: 1s}}, post_start: [{{command: touch /ready}}]}}
jobs:
  backup:
    image: "{IMAGE}"
    command: sh -c 'getent hosts db > /dev/null && echo "to $$TARGET"; echo bad >&2; exit $${{CODE:-0}}'
    environment: {{TARGET: disk, CODE: }}
    depends_on: {{db: {{condition: service_healthy}}}}
    triggers: {{schedule: ["30 2 1 1 *"]}}
  long: {{image: "{IMAGE}", command: sleep 1000, init: true, triggers: {{manual: true}}}}
  never: {{image: "{IMAGE}", command: "true", triggers: {{manual: false}}}}
  nowhere: {{image: "127.0.0.1:1/no/such:1", triggers: {{manual: true}}}}
"""


def jobs(world):
    return {row["Name"].split(".")[1]: row for row in map(json.loads, world.consort("job", "ls", "--format", "json").out.splitlines())}


def scenario_a_job_runs_by_hand_with_what_it_depends_on(world):
    """`up` must register jobs and start none; `run JOB` must start what it depends on, give its output and exit code, and keep what failed."""
    world.write("compose.yaml", FILE)
    up = world.consort("up", "-d")
    check("long" in up.err and "consort run JOB" in up.err, f"no word of manual jobs: {up}")
    check("never" not in up.err, f"`run` is advised for a job that it refuses: {up}")
    check(set(jobs(world)) == {"backup"} and jobs(world)["backup"]["Trigger"] == "30 2 1 1 *", str(jobs(world)))
    world.consort("stop")
    ran = world.consort("run", "backup")
    check(ran.out == "to disk\n" and "bad\n" in ran.err, f"its output: {ran}")
    check(world.service("db")["State"] == "running", "what it depends on was not started")
    check("succeeded" in jobs(world)["backup"]["LastRun"] and jobs(world)["backup"]["NextFire"].startswith("in "), str(jobs(world)))
    check(not [c for c in world.ps_all() if c["Service"] == "backup"], "the container of a good run stays")
    check("to disk" in world.consort("job", "logs", "backup").out, "its output is not kept")
    world.consort("run", "-e", "CODE=7", "backup", status=7)
    failed = [c for c in world.ps_all() if c["Service"] == "backup"]
    check(len(failed) == 1 and failed[0]["ExitCode"] == 7, f"the container of a failed run is gone: {failed}")
    check("cannot be run by hand" in world.consort("run", "never", status=1).err, "a job that nobody may start was started")
    nowhere = world.consort("run", "nowhere", status=1)
    check("no/such" in nowhere.err, f"an image that is not to be had: {nowhere}")
    for verb in (["up", "-d"], ["create"], ["start"], ["restart"]):
        check("is a job" in world.consort(*verb, "never", status=1).err, f"`{verb[0]} JOB` does not say what it is")
    for verb in ("start", "restart"):
        check("is a job" in world.consort(verb, "backup", status=1).err, f"`{verb} JOB` starts the container of a failed run")
    runs = [json.loads(line) for line in world.consort("job", "runs", "backup", "--format", "json").out.splitlines()]
    check([(r["State"], r["Exit"], r["Trigger"]) for r in runs[:2]] == [("failed", "7", "manual"), ("succeeded", "0", "manual")], str(runs))
    world.write("compose.yaml", FILE.replace("30 2 1 1 *", "31 2 1 1 *"))
    world.consort("up", "-d")
    check(jobs(world)["backup"]["Trigger"] == "31 2 1 1 *", f"a changed job is not registered anew: {jobs(world)}")
    down = world.consort("down", "--remove-orphans")
    check("backup" in down.err and not jobs(world), f"`down` leaves the job: {down}")
    world.consort("create")
    world.consort("job", "rm", "--runs", "remove", "backup")
    world.consort("down")


def scenario_a_job_is_run_by_the_clock(world):
    """What is due must be run once although nothing else runs and its supervisor was away; `pause`, `cancel`, `wait` and `rm` must do what they say."""
    world.write("compose.yaml", FILE)
    world.consort("create")
    clock = world.data / "jobs" / world.project_name / "clock.json"
    eventually("the supervisor keeps the time", lambda: clock.exists() and "backup" in json.loads(clock.read_text()))
    for program in ("consort-keeper", "consort-supervisor"):
        for pid in world.pids(program):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    due = json.loads(clock.read_text())
    due["backup"]["next"] = int(time.time()) - 3600
    clock.write_text(json.dumps(due))
    world.consort("create")
    eventually("what was missed has been run", lambda: "succeeded" in jobs(world)["backup"]["LastRun"])
    runs = [json.loads(line) for line in world.consort("job", "runs", "backup", "--format", "json").out.splitlines()]
    check(len(runs) == 1 and runs[0]["Trigger"] == "schedule", str(runs))
    check(world.service("db")["State"] == "running", "what it depends on was not started")
    check(jobs(world)["backup"]["NextFire"].startswith("in "), str(jobs(world)))
    world.consort("job", "pause", "backup")
    check(jobs(world)["backup"]["Paused"] == "true" and jobs(world)["backup"]["NextFire"] == "-", str(jobs(world)))
    world.consort("job", "run", "backup")
    world.consort("run", "-d", "long")
    eventually("it runs", lambda: any(c["Service"] == "long" and c["State"] == "running" for c in world.ps_all()))
    check("already running" in world.consort("run", "long", status=1).err, "it was run twice at a time")
    world.consort("job", "cancel", "long")
    check(jobs(world)["long"]["LastRun"].startswith("cancelled"), str(jobs(world)))
    world.consort("job", "wait", "long", status=130)
    world.consort("job", "wait", "backup")
    world.consort("job", "prune", "--force", "--label", "com.docker.compose.project=another")
    check(set(jobs(world)) == {"backup", "long"}, str(jobs(world)))
    pruned = world.consort("job", "prune", "--force", "--label", f"com.docker.compose.project={world.project_name}")
    check(pruned.out == f"{world.project_name}.long\n", f"jobs with a schedule stay, and they alone: {pruned}")
    world.consort("job", "rm", "--runs", "remove", "backup")
    check(not jobs(world), str(jobs(world)))
    world.consort("down", "--remove-orphans")
    check(not world.supervisor_pids(), "the supervisor stays without a job")
