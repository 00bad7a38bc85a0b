"""cgroup v2 with systemd: limits, statistics, leftovers."""
import json
import pathlib
import re

from run import CGROUPS, PATIENCE, Project, Skip, check, eventually, nothing_is_left, scopes, sh, value

SLEEPER = "image: busy:1, command: [sleep, infinity], init: true, stop_grace_period: 1s"


def check_is_version_2_under_systemd():
    """The machine meets the requirements of these checks."""
    check(sh("stat -fc %T /sys/fs/cgroup").strip() == "cgroup2fs", "this is not cgroup v2 alone")
    check(sh("systemctl is-system-running --wait", status=None).strip() in ("running", "degraded"), "systemd does not run")


def check_limits_are_the_kernels():
    """Each limit in the file is set in the cgroup, under either spelling."""
    disk = sh("lsblk -dno MAJ:MIN /dev/vda").strip()
    with Project(f"""
services:
  short:
    {{{SLEEPER}, mem_limit: 64m, memswap_limit: 96m, mem_reservation: 32m, cpus: 0.5, cpu_shares: 512, cpuset: "0",
      pids_limit: 77, blkio_config: {{weight: 300, device_write_bps: [{{path: /dev/vda, rate: 1mb}}]}}}}
  deploy:
    image: busy:1
    command: [sleep, infinity]
    deploy: {{resources: {{limits: {{cpus: '0.25', memory: 48M, pids: 33}}, reservations: {{memory: 16M}}}}}}
""") as project:
        project.consort("up", "-d", "-t", "1")
        short, deploy = project.group("short"), project.group("deploy")
        expected = {"memory.max": str(64 << 20), "memory.swap.max": str(32 << 20), "memory.low": str(32 << 20), "cpu.max": "50000 100000",
                    "cpu.weight": "20", "cpuset.cpus": "0", "pids.max": "77"}
        for name, text in expected.items():
            check(value(short, name) == text, f"{name} is {value(short, name)}, not {text}")
        check(f"{disk} rbps=max wbps=1048576" in value(short, "io.max"), f"io.max is {value(short, 'io.max')}")
        for name, text in {"memory.max": str(48 << 20), "cpu.max": "25000 100000", "pids.max": "33", "memory.low": str(16 << 20)}.items():
            check(value(deploy, name) == text, f"{name} is {value(deploy, name)}, not {text}")
        check(project.inside("short", "cat /sys/fs/cgroup/memory.max") == str(64 << 20), "the container does not see its own group")
        check(project.inside("short", "cat /proc/self/cgroup") == "0::/", "its cgroup namespace is not its own")
        check("Read-only" in project.inside("short", "echo 1 >/sys/fs/cgroup/memory.max; true 2>&1", status=None) or
              value(short, "memory.max") == str(64 << 20), "the container can change its own limit")


def check_groups_are_in_a_delegated_scope():
    """Containers are below a scope that systemd has delegated, next to the supervisor's leaf cgroup."""
    with Project(f"services: {{a: {{{SLEEPER}}}}}") as project:
        project.consort("up", "-d")
        names = scopes()
        check(len(names) == 1, f"scopes: {names}")
        group = project.group("a")
        check(group.parent == CGROUPS / "system.slice" / names[0], f"the container is in {group}")
        shown = dict(line.split("=", 1) for line in sh(f"systemctl show {names[0]} -p Delegate -p TasksMax -p ActiveState").splitlines())
        check(shown == {"Delegate": "yes", "TasksMax": "infinity", "ActiveState": "active"}, f"{shown}")
        leaf = group.parent / "consort-supervisor"
        comms = {sh(f"cat /proc/{pid}/comm").strip() for pid in value(leaf, "cgroup.procs").split()}
        check(comms == {"consort-keeper", "consort-supervi"}, f"in the leaf: {comms}")


def check_limits_survive_systemds_own_changes():
    """daemon-reload, daemon-reexec, and starting and stopping units do not change the containers' controllers."""
    with Project(f"services: {{a: {{{SLEEPER}, mem_limit: 64m, cpus: 0.5, cpuset: '0'}}}}") as project:
        project.consort("up", "-d")
        group = project.group("a")
        before = {name: value(group, name) for name in ("memory.max", "cpu.max", "cpuset.cpus")}
        sh("systemctl daemon-reload && systemctl daemon-reexec && systemd-run --wait -q -p CPUWeight=50 true && systemctl daemon-reload")
        check({name: value(group, name) for name in before} == before, "limits have changed")
        check(project.ps()["a"]["State"] == "running", "it does not run any more")


def check_memory_kills_are_reported():
    """A container that is killed for memory ends with 137 and is recorded as such; systemd does not end the others."""
    with Project(f"""
services:
  eater: {{image: busy:1, command: [sh, -c, 'tail /dev/zero'], mem_limit: 16m, memswap_limit: 16m}}
  other: {{{SLEEPER}}}
""") as project:
        project.consort("up", "-d")
        eventually("the eater is killed", lambda: project.ps()["eater"]["State"] == "exited", PATIENCE)
        check(project.ps()["eater"]["ExitCode"] == 137, f"{project.ps()['eater']}")
        check(project.state("eater")["oom_killed"], "it is not recorded as killed for memory")
        check(project.ps()["other"]["State"] == "running", "the other one was ended too")


def check_pids_limit_holds():
    """A container cannot have more processes than its limit."""
    with Project(f"services: {{a: {{{SLEEPER}, pids_limit: 12}}}}") as project:
        project.consort("up", "-d")
        out = project.consort("exec", "-T", "a", "sh", "-c", "for i in $(seq 30); do sleep 60 & done", status=None)
        check(out.status != 0 and "fork" in out.err + out.out, f"30 processes were made: {out}")
        check(int(value(project.group("a"), "pids.current")) <= 12, "there are more than 12")


def check_stats_and_top_measure():
    """`stats` shows memory, its limit, CPU, processes; `top` the processes."""
    with Project("services: {a: {image: busy:1, command: [sh, -c, 'while :; do :; done'], mem_limit: 64m, stop_grace_period: 1s}}") as project:
        project.consort("up", "-d")
        stats = json.loads(project.consort("stats", "--no-stream", "--format", "json").out.splitlines()[-1])
        check("64MiB" in stats["MemUsage"] and float(stats["CPUPerc"].rstrip("%")) > 5 and stats["PIDs"] == "1", f"{stats}")
        check("while" in project.consort("top").out, "top does not show the process")


def check_pause_freezes():
    """A paused container uses no CPU at all; it can be unpaused and stopped."""
    with Project("services: {a: {image: busy:1, command: [sh, -c, 'while :; do :; done'], stop_grace_period: 1s}}") as project:
        project.consort("up", "-d")
        group = project.group("a")
        project.consort("pause")
        check(value(group, "cgroup.freeze") == "1", "it is not frozen")
        check(project.ps()["a"]["State"] == "paused", "it is not shown as paused")
        used = re.search(r"usage_usec (\d+)", value(group, "cpu.stat"))[1]
        sh("sleep 1")
        check(re.search(r"usage_usec (\d+)", value(group, "cpu.stat"))[1] == used, "it still uses CPU")
        project.consort("unpause")
        project.consort("pause")
        project.consort("stop", "-t", "1")
        check(project.ps()["a"]["State"] == "exited", "a paused one cannot be stopped")


def check_devices_are_filtered():
    """Only the default devices and those in the file can be opened."""
    with Project(f"""
services:
  plain: {{{SLEEPER}, cap_add: [MKNOD]}}
  disk: {{{SLEEPER}, devices: ["/dev/vda:/dev/disk:r"]}}
""") as project:
        project.consort("up", "-d")
        project.inside("plain", "mknod /tmp/null c 1 3 && echo x >/tmp/null && head -c 4 /dev/urandom >/dev/null")
        check("not permitted" in project.consort("exec", "-T", "plain", "sh", "-c", "mknod /tmp/d b 254 0; head -c 1 /tmp/d",
                                                 status=None).err, "any disk can be read")
        check(project.inside("disk", "head -c 16 /dev/disk | wc -c") == "16", "the named disk cannot be read")
        check("not permitted" in project.consort("exec", "-T", "disk", "sh", "-c", "echo x >/dev/disk", status=None).err,
              "the named disk can be written")


def check_names_are_resolved_beside_systemd_resolved():
    """With the host's stub resolver at 127.0.0.53, services resolve each other, and every name that the host can resolve."""
    check("127.0.0.53" in sh("cat /etc/resolv.conf"), "systemd-resolved's stub is not in use")
    with Project(f"services: {{a: {{{SLEEPER}}}, b: {{{SLEEPER}}}}}") as project:
        project.consort("up", "-d")
        check("127.0.0.11" in project.inside("a", "cat /etc/resolv.conf"), "not our name server")
        project.inside("a", "ping -c 1 -W 20 b")
        outside = "deb.debian.org"
        if not sh(f"getent ahostsv4 {outside}", status=None).strip():
            raise Skip(f"services find each other, but this machine cannot resolve {outside} itself")
        project.inside("a", f"nslookup {outside}")


def check_ports_are_published():
    """A published port answers on loopback and on the machine's address."""
    with Project("""
services:
  web: {image: busy:1, command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; httpd -f -p 80 -h /w"], ports: ["8099:80"], init: true}
""") as project:
        project.consort("up", "-d")
        address = sh("hostname -I").split()[0]
        for host in ("127.0.0.1", "localhost", address):
            eventually(f"{host} answers", lambda host=host: "hello" in sh(f"curl -fsS --max-time 5 http://{host}:8099/"), PATIENCE)


def check_stopping_the_scope_stops_the_project():
    """`systemctl stop` of the scope, which is what a shutdown does, stops every container with its own signal, and none comes back."""
    trap = "trap 'echo {0} >/data/{0}; exit 0' {0}; while :; do sleep 0.2; done"
    with Project(f"""
services:
  a: {{image: busy:1, command: [sh, -c, "{trap.format('USR1')}"], stop_signal: SIGUSR1, restart: always, volumes: ["kept:/data"]}}
  b: {{image: busy:1, command: [sh, -c, "{trap.format('TERM')}"], restart: always, volumes: ["kept:/data"]}}
volumes: {{kept: {{}}}}
""") as project:
        project.consort("up", "-d")
        sh("sleep 2")  # until the shells have set their traps
        sh(f"systemctl stop {scopes()[0]}")
        states = project.ps()
        check({(s["State"], s["ExitCode"]) for s in states.values()} == {("exited", 0)}, f"{states}")
        check(sh("ls /var/lib/consort/volumes/vm_kept/_data").split() == ["TERM", "USR1"], "one did not get its signal, or got another")
        nothing_is_left()
        project.consort("up", "-d")
        check({s["State"] for s in project.ps().values()} == {"running"}, "they do not start again")


def check_a_scope_is_made_while_the_boot_unit_stops():
    """The unit that ends all projects may have to start a supervisor, and so may a command: neither waits for the unit itself."""
    slow = pathlib.Path("/run/systemd/system/consort-boot.service.d/slow.conf")
    slow.parent.mkdir(parents=True, exist_ok=True)
    slow.write_text("[Service]\nExecStop=\nExecStop=sleep 600\n")
    sh("systemctl daemon-reload && systemctl start consort-boot && systemctl stop --no-block consort-boot")
    try:
        eventually("it stops", lambda: sh("systemctl is-active consort-boot", status=None).strip() == "deactivating", PATIENCE)
        with Project(f"services: {{a: {{{SLEEPER}}}}}") as project:
            project.consort("up", "-d")
            check(len(scopes()) == 1, f"scopes: {scopes()}")
            check(project.group("a").parent == CGROUPS / "system.slice" / scopes()[0], f"the container is in {project.group('a')}")
            check(sh("systemctl is-active consort-boot", status=None).strip() == "deactivating", "the unit has stopped meanwhile")
    finally:
        slow.unlink()
        sh("systemctl daemon-reload; systemctl kill -s KILL consort-boot; systemctl reset-failed consort-boot; systemctl start consort-boot", status=None)
    nothing_is_left()


def check_firewall_table_goes():
    """`down` removes the rules and the cgroups."""
    nothing_is_left()
    check("8099" not in sh("nft list ruleset"), "a rule for a port is left")
