"""Containers of root with users of their own: docs/decisions/0148."""
import pathlib

from harness import check, eventually

SLIM = "debian:bookworm-slim"
FIRST = 2_000_000_000  # base/os/processes/container_users.hpp

COMPOSE = f"""
x-stays: &stays {{image: {SLIM}, command: [sleep, infinity], init: true, stop_grace_period: 1s}}
services:
  own:
    <<: *stays
    volumes: [./bound:/bound, data:/data]
    configs: [{{source: word, target: /word, uid: "33", mode: 0400}}]
    tmpfs: [/scratch]
    healthcheck: {{test: [CMD, test, -O, /word-of-root], interval: 1s}}
  beside: {{<<: *stays, init: false, network_mode: "service:own", pid: "service:own", depends_on: {{own: {{condition: service_healthy}}}}}}
  machine: {{<<: *stays, userns_mode: host, volumes: [data:/data]}}
  mounts: {{<<: *stays, cap_add: [SYS_ADMIN]}}
  torn:
    <<: *stays
    profiles: [torn]
    pid: service:own
    ipc: service:third
  third: {{<<: *stays, profiles: [torn], ipc: shareable}}
configs: {{word: {{content: text}}}}
volumes: {{data: }}
"""


def host_user(world, service):
    pid = world.consort("inspect", f"{world.project_name}-{service}-1", "--format", "{{.State.Pid}}").out.strip()
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("Uid:")).split()[1])


def scenario_own_users(world):
    """With userns = "auto" a container's root must be nobody on the host, and all files keep the owners that it sees."""
    settings = world.write("consort.conf", 'userns = "auto"\n')
    world.env["CONSORT_SETTINGS"] = str(settings)
    world.write("compose.yaml", COMPOSE)
    (world.project / "bound").mkdir()
    inside = lambda service, script: world.consort("exec", "-T", service, "sh", "-ec", script).out  # noqa: E731
    world.consort("up", "-d", "own", "machine", "mounts")
    check(host_user(world, "own") == FIRST, "it runs as a user of the machine")
    check(host_user(world, "machine") == 0 and host_user(world, "mounts") == 0, "what asks for the machine's users has others")

    inside("own", "id -u | grep -qx 0; touch /bound/made /data/made /own; chown 1000:1001 /own /data/made; touch /word-of-root")
    check((world.project / "bound/made").stat().st_uid == 0, "what root makes in a bind mount is not root's")
    check(inside("machine", "stat -c %u:%g /data/made") == "1000:1001\n", "a volume has other owners for the next container")
    check(inside("own", "stat -c %u:%a /word; stat -c %u /scratch /dev/null /etc/hosts | sort -u") == "33:400\n0\n", "owners")
    check("ping" not in inside("own", "cat /sys/class/net/eth0/operstate"), "no /sys of its own")
    world.write("brought", "x")
    world.consort("cp", "brought", "own:/bound/brought")
    world.consort("cp", "brought", "machine:/brought")
    check(inside("own", "stat -c %u:%g /bound/brought") == inside("machine", "stat -c %u:%g /brought"), "cp has other owners")
    world.consort("cp", "own:/own", "taken")

    world.consort("up", "-d", "--wait", "own", "beside")
    # Of one network and one pid namespace: who shares them has a say there, too.
    check(host_user(world, "beside") == FIRST and inside("beside", "cat /sys/class/net/eth0/operstate; kill -0 1") == "up\n", "joined")
    world.consort("restart", "own")
    eventually("it is healthy again", lambda: "(healthy)" in world.consort("ps", "own").out)
    check(host_user(world, "own") == FIRST and inside("own", "stat -c %u /own") == "1000\n", "after a restart")

    torn = world.consort("up", "-d", "torn", status=None)
    check(torn.status == 1 and "share namespaces with containers that have different users" in torn.err and "userns_mode: host" in torn.err
          and "compose.yaml:17" in torn.err and "not permitted" not in torn.err, f"two owners of users:\n{torn}")

    settings.write_text('userns = "maybe"\n')
    world.consort("stop", "machine")
    refused = world.consort("start", "machine", status=None)
    check(refused.status != 0 and 'consort.conf:1' in refused.err and '"auto" or "host"' in refused.err, f"bad settings:\n{refused}")
    settings.write_text("")
