"""Keepers and supervisors that are killed at bad moments, and much at once: no command hangs, nothing stays behind."""
import json
import os
import random
import signal
import subprocess
import threading
import time

from harness import check, eventually

SLIM = "image: 'debian:bookworm-slim'"
LIMIT = 60  # seconds for any one command


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def scenario_supervisor_is_killed_while_containers_start(world):
    """Wherever the supervisor is killed during up, the command must end within its time, and the next one must work on all services."""
    world.write("compose.yaml", "services:\n" + "".join(
        f"  s{i}: {{{SLIM}, command: sleep 1000, ports: ['{18500 + i}:80']}}\n" for i in range(4)))
    seed = int(os.environ.get("CONSORT_SEED", random.randrange(1 << 30)))
    chance = random.Random(seed)
    print(f"seed {seed}")
    for _ in range(8):
        over = threading.Event()

        def kill_at_bad_moments(times):
            # Not for ever: on a slow machine there may be no time for anything between two of them.
            while not over.wait(chance.uniform(0.002, 0.12)) and times > 0:
                kill_all(world.supervisor_pids())
                times -= 1

        killer = threading.Thread(target=kill_at_bad_moments, args=(chance.randint(1, 12),))
        killer.start()
        time.sleep(chance.uniform(0, 0.05))
        try:
            world.consort("up", "-d", status=None, timeout=LIMIT)
        finally:
            over.set()
            killer.join()
        world.consort("up", "-d", timeout=LIMIT)
        check(sorted(world.ps()) == ["s0", "s1", "s2", "s3"], f"not all run: {world.ps()}")
        world.consort("down", "-t", "0", timeout=LIMIT)


def scenario_keeper_is_killed_as_soon_as_containers_run(world):
    """After SIGKILL of the keeper right behind up, the next up must serve the ports and let the restart policy go on."""
    world.write("compose.yaml", f"""services:
  web: {{{SLIM}, command: sleep 1000, ports: ['18510:80'], restart: always}}
  again: {{{SLIM}, command: sleep 0.3, restart: always}}
""")
    for _ in range(3):
        world.consort("up", "-d", timeout=LIMIT)
        kill_all(world.pids("consort-keeper"))
        world.consort("up", "-d", timeout=LIMIT)
        before = restarts(world, "again")
        eventually("the policy goes on", lambda: restarts(world, "again") >= before + 2)
        ports = json.loads(world.consort("ps", "--format", "json", "web").out.splitlines()[0])["Publishers"]
        check(any(port["PublishedPort"] == 18510 for port in ports), f"the port is not served: {ports}")
        world.consort("down", "-t", "0", timeout=LIMIT)


def scenario_what_goes_when_it_ends_outlives_everybody_else(world):
    """A container of run --rm that ends while its command, its supervisor and the keeper are gone must be removed by the next
    command, which must not wait for who removes it."""
    world.write("compose.yaml", f"services:\n  web: {{{SLIM}, command: sleep 1000, init: true}}\n")
    world.consort("up", "-d", timeout=LIMIT)
    ids = [world.consort("run", "-d", "--rm", "web", timeout=LIMIT).out.split()[-1] for _ in range(3)]
    pids = [json.loads(path.read_text())["pid"] for path in (world.run_root / f"projects/{world.project_name}/containers").glob("*.json")]
    kill_all(world.pids("consort-keeper"))
    kill_all(world.supervisor_pids())
    kill_all(pids)
    world.consort("up", "-d", timeout=LIMIT)
    check(len(ids) == 3 and list(world.ps()) == ["web"], f"they are still there: {world.ps_all()}")
    world.consort("down", "-t", "0", timeout=LIMIT)


def restarts(world, service):
    container = world.consort("ps", "-aq", service).out.split()[0]
    record = json.loads((world.run_root / f"projects/{world.project_name}/containers/{container}.json").read_text())
    return record["restart_count"]


def scenario_stop_is_killed_and_up_follows_at_once(world):
    """After SIGKILL of down while a container takes its time to stop, an up must leave it running, not ending a moment later."""
    world.write("compose.yaml", f"""services:
  slow: {{{SLIM}, init: true, stop_grace_period: 3s, command: [bash, -c, "trap '' TERM; echo ready; while :; do sleep 1; done"]}}
""")
    world.consort("up", "-d")
    eventually("it listens to signals", lambda: "ready" in world.consort("logs").out)
    for verb in (["stop"], ["down"]):
        stopping = world.start(*verb, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.7)
        stopping.kill()
        stopping.wait()
        world.consort("up", "-d", timeout=LIMIT)
        time.sleep(4)
        check(world.service("slow")["State"] == "running", f"after a killed {verb[0]}: {world.ps()}")


def scenario_a_stop_is_told_once(world):
    """With `init: true` the program must hear one SIGTERM of a stop: to many the second one means at once."""
    world.write("count.pl", """\
$| = 1; my $n = 0; $SIG{TERM} = sub { $n++; print "term\\n" }; print "ready\\n";
select(undef, undef, undef, 0.1) until $n; select(undef, undef, undef, 0.1) for 1 .. 5;
""")
    world.write("compose.yaml", "services:\n" + "".join(
        f"  s{i}: {{{SLIM}, command: perl /count.pl, init: true, volumes: ['./count.pl:/count.pl:ro'], stop_grace_period: 100s}}\n" for i in range(8)))
    world.consort("up", "-d")
    eventually("all listen", lambda: world.consort("logs", "--no-log-prefix").out.count("ready") == 8)
    world.consort("stop")
    heard = [world.consort("logs", "--no-log-prefix", f"s{i}").out.count("term") for i in range(8)]
    check(heard == [1] * 8, f"SIGTERM was heard: {heard}")
    check({c["ExitCode"] for c in world.ps_all()} == {0}, str(world.ps_all()))
    world.consort("down", "-t", "0")


def scenario_a_shared_namespace_is_followed(world):
    """What shares the processes of another service must join it anew when a policy has started both again."""
    world.write("compose.yaml", f"""services:
  a: {{{SLIM}, command: sleep 1000, init: true, restart: always}}
  b: {{{SLIM}, command: sleep 1000, pid: "service:a", restart: always}}
""")
    world.consort("up", "-d")

    def namespace(service):
        container = world.consort("ps", "-q", service).out.strip()
        state = json.loads((world.run_root / f"projects/{world.project_name}/containers/{container}.json").read_text())
        return state["pid"], os.readlink(f"/proc/{state['pid']}/ns/pid")

    pid, before = namespace("a")
    check(namespace("b")[1] == before, "they share nothing")
    os.kill(pid, signal.SIGKILL)
    eventually("both are there again, together", lambda: namespace("a")[1] == namespace("b")[1] != before)
    world.consort("down", "-t", "0")


def scenario_many_ports(world):
    """A service with 1,500 ports must start, be listed and end, and the names of its neighbour resolve meanwhile."""
    world.write("compose.yaml", f"""services:
  many: {{{SLIM}, command: sleep 1000, ports: ['30000-31499:30000-31499/udp']}}
  near: {{{SLIM}, command: sleep 1000}}
""")
    world.consort("up", "-d", "near")
    names = world.start("exec", "-T", "near", "bash", "-c",
                        "for i in $(seq 60); do RES_OPTIONS='timeout:10 attempts:1' getent hosts near >/dev/null || echo missed; sleep 0.05; done")
    world.consort("up", "-d", timeout=LIMIT)
    ports = json.loads(world.consort("ps", "--format", "json", "many").out.splitlines()[0])["Publishers"]
    check(len({port["PublishedPort"] for port in ports}) == 1500, f"{len(ports)} ports are listed")
    out, _ = names.communicate(timeout=LIMIT)
    check("missed" not in out, "names did not resolve meanwhile")
    world.consort("down", "-t", "0", timeout=LIMIT)


def scenario_timed_out_checks_leave_nothing(world):
    """What a health check that takes too long has started must end with it, also where the first process reaps nobody."""
    world.write("compose.yaml", f"""services:
  s: {{{SLIM}, command: sleep 1000, healthcheck: {{test: "sleep 77 & sleep 78; true", interval: 1s, timeout: 1s, retries: 100}}}}
""")
    world.consort("up", "-d")
    container = world.consort("ps", "-q", "s").out.strip()
    record = world.run_root / f"projects/{world.project_name}/containers/{container}.json"
    eventually("four checks took too long", lambda: json.loads(record.read_text())["health"]["failing_streak"] >= 4)
    states = world.consort("exec", "-T", "s", "sh", "-c", "cat /proc/[0-9]*/stat | cut -d' ' -f2,3").out.split("\n")
    check(not any(state.endswith(" Z") for state in states), f"zombies are left: {states}")
    # Besides the container's own one: those of a check that runs just now.
    check(sum(state.startswith("(sleep)") for state in states) <= 3, f"processes of checks are left: {states}")
    world.consort("down", "-t", "0", timeout=LIMIT)


def kill_keeper(world):
    """And waits for another one, with its supervisor: what a container writes while there is neither is lost with its end."""
    before = world.pids("consort-keeper")
    kill_all(before)
    eventually("there is another keeper", lambda: set(world.pids("consort-keeper")) - set(before) and world.supervisor_pids())
    eventually("it serves", lambda: world.consort("exec", "-T", "web", "true", status=None).status == 0)


def scenario_commands_outlive_a_keeper(world):
    """run and wait must give the container's own exit code, and up must go on waiting, although the keeper is killed meanwhile."""
    world.write("compose.yaml", f"""services:
  web: {{{SLIM}, command: sleep 1000, init: true, volumes: ["./end:/end"]}}
  job: {{{SLIM}, command: sh -c 'until test -e /end/job; do sleep 0.1; done', profiles: [x], volumes: ["./end:/end"]}}
  after: {{{SLIM}, command: sleep 1000, init: true, profiles: [x], depends_on: {{job: {{condition: service_completed_successfully}}}}}}
""")
    world.consort("up", "-d", "web")
    running = world.start("run", "--rm", "-T", "--no-deps", "web", "sh", "-c", "until test -e /end/run; do sleep 0.1; done; echo out; exit 6")
    eventually("it runs", lambda: len(world.ps_all()) == 2 and all(c["State"] == "running" for c in world.ps_all()))
    kill_keeper(world)
    world.write("end/run", "")
    out, err = running.communicate(timeout=LIMIT)
    # Older kernels do not tell how an orphan ended; then it is an error, never a success.
    check(out == "out\n" and (running.returncode == 6 or "exit code is unknown" in err), f"run: {running.returncode} {out!r} {err!r}")
    starting = world.start("--profile", "x", "up", "-d", "after")
    eventually("the job runs", lambda: world.service("job").get("State") == "running")
    kill_keeper(world)
    world.write("end/job", "")
    out, err = starting.communicate(timeout=LIMIT)
    check(starting.returncode == 0 or "exit unknown" in err, f"up: {starting.returncode} {err}")
    kill_all(world.pids("consort-keeper"))
    waiting = world.start("wait", "web")
    time.sleep(0.5)
    world.consort("kill", "web")
    waiting.communicate(timeout=LIMIT)
    check(waiting.returncode in (137, 1), f"wait: {waiting.returncode}")
    world.consort("--profile", "x", "down", "-t", "0", timeout=LIMIT)
