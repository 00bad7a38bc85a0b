"""With firewalld, which forwards nothing from interfaces that are in none of its zones."""
import json
import shutil

from run import PATIENCE, Project, Skip, check, eventually, run, sh

STACK = "services: {a: {image: busy:1, command: [sleep, infinity], init: true, stop_grace_period: 1s}}"
OUTSIDE = "203.0.113.1"


def trusted():
    return set(sh("firewall-cmd --zone=trusted --list-interfaces", status=None).split())


def bridges():
    return {link["ifname"] for link in json.loads(sh("ip -j link show type bridge")) if link["ifname"].startswith("br-")}


def with_outside(look):
    """Simulates another machine, behind an interface in firewalld's default zone."""
    sh("ip netns add outside && ip link add out0 type veth peer name eth0 netns outside && ip addr add 203.0.113.2/24 dev out0 && ip link set out0 up && "
       f"ip -n outside addr add {OUTSIDE}/24 dev eth0 && ip -n outside link set eth0 up")
    try:
        look()
    finally:
        sh("ip netns del outside", status=None)


def check_containers_reach_the_outside():
    """With firewalld started before `up`, reloaded, and restarted; after `down`, its zone is as it was before."""
    if not shutil.which("firewall-cmd"):
        raise Skip("firewalld is not installed")
    sh("systemctl start firewalld")
    before = trusted()

    def look():
        with Project(STACK) as project:
            project.consort("up", "-d")

            def reaches():
                return project.consort("exec", "-T", "a", "ping", "-c", "1", "-W", "5", OUTSIDE, status=None).status == 0

            own = bridges() - before
            check(own and own <= trusted(), f"{own} are not in the zone: {trusted()}")
            check(reaches(), "it does not reach the outside")
            sh("firewall-cmd --reload")
            eventually("it reaches the outside after a reload", reaches, PATIENCE)
            sh("systemctl restart firewalld")
            eventually("its bridge is in the zone again", lambda: own <= trusted(), PATIENCE)
            check(reaches(), "it does not reach the outside after a restart")
        check(not bridges() & trusted(), f"left in the zone: {trusted()}")

    try:
        with_outside(look)
        check(trusted() == before, f"the zone has {trusted()}, not {before}")
    finally:
        run(["systemctl", "stop", "firewalld"])
