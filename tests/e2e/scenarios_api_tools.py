"""Tools that look at an engine and cannot be installed here: the calls that each of them makes, and what it needs to see in the answers."""
import contextlib
import json
import socket
from urllib.parse import urlencode

from harness import check, eventually, leaves_the_default_bridge
from scenarios_serve import UnixConnection
from scenarios_api_resources import Api, SLIM, tar_of


class Tool(Api):
    @contextlib.contextmanager
    def lines(self, path, **query):
        """What a stream tells, object by object, as it comes."""
        query = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in query.items()}
        connection = UnixConnection(self.socket)
        connection.request("GET", path + ("?" + urlencode(query) if query else ""))
        answer = connection.getresponse()
        check(answer.status == 200, f"{path}: {answer.status}")
        try:
            yield (json.loads(line) for line in iter(answer.readline, b""))
        finally:
            connection.close()

    def first_log_bytes(self, path):
        connection = UnixConnection(self.socket)
        connection.request("GET", path)
        answer = connection.getresponse()
        check(answer.status == 200, f"{path}: {answer.status}")
        got = b""
        while b"\n" not in got:
            got += answer.read1(1)
        connection.close()
        return got

    def terminal(self, container, resize=""):
        """What a shell on a terminal answers to a line."""
        made = self.call("POST", f"/containers/{container}/exec", {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
                                                                  "Tty": True, "Cmd": ["/bin/sh"]}, 201)["Id"]
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(self.socket)
            body = b'{"Detach":false,"Tty":true}'
            client.sendall(f"POST /v1.51/exec/{made}/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65536)
            if resize:
                self.call("POST", f"/exec/{made}/resize?{resize}", status=200)  # waits for the process
            client.sendall(b"stty size; exit 3\n")
            while part := client.recv(65536):
                data += part
        check(self.call("GET", f"/exec/{made}/json", status=200)["ExitCode"] == 3, "how it ended")
        return data.decode()


def lazydocker(api, web):
    listed = api.call("GET", "/containers/json", status=200, all=1)
    for each in listed:
        api.call("GET", f"/containers/{each['Id']}/json", status=200)
    with api.lines(f"/v1.51/containers/{web}/stats", stream=1) as stats:
        first, second = next(stats), next(stats)
    # Its percentages are of the difference between two.
    check(second["cpu_stats"]["system_cpu_usage"] > first["cpu_stats"]["system_cpu_usage"] > 0, str(second["cpu_stats"]))
    check(second["precpu_stats"]["cpu_usage"] == first["cpu_stats"]["cpu_usage"] and second["memory_stats"]["limit"] > 0, str(second))
    check(b"serving" in api.first_log_bytes(f"/v1.51/containers/{web}/logs?stdout=1&stderr=1&follow=1&tail=300"), "its log")
    top = api.call("GET", f"/containers/{web}/top", status=200)
    check("PID" in top["Titles"] and any("sleep" in " ".join(row) for row in top["Processes"]), str(top))
    for image in api.call("GET", "/images/json", status=200):
        check(api.call("GET", f"/images/{image['Id']}/history", status=200)[0]["Id"] == image["Id"], "its own row")
    api.call("GET", "/volumes", status=200)
    api.call("GET", "/networks", status=200)
    for kind in ("containers", "images", "volumes", "networks"):
        check("SpaceReclaimed" in api.call("POST", f"/{kind}/prune", status=200) or kind == "networks", kind)


def traefik(api, world, web):
    version = api.call("GET", "/version", status=200)
    check(version["ApiVersion"] >= "1.24", str(version))
    network = f"{world.project_name}_default"
    for each in api.call("GET", "/containers/json", status=200):
        shown = api.call("GET", f"/containers/{each['Id']}/json", status=200)
        if shown["Id"] != web:
            continue
        check(shown["State"]["Status"] == "running" and shown["State"]["Health"]["Status"] == "healthy", str(shown["State"]))
        check(shown["HostConfig"]["NetworkMode"] == network, str(shown["HostConfig"]))
        endpoint = shown["NetworkSettings"]["Networks"][network]
        check(endpoint["IPAddress"] and endpoint["NetworkID"] == api.call("GET", f"/networks/{network}", status=200)["Id"], str(endpoint))
        check(shown["NetworkSettings"]["Ports"] == {"8080/tcp": None}, str(shown["NetworkSettings"]["Ports"]))
    # What it begins anew with.
    with api.lines("/v1.24/events", filters={"type": {"container": True}}) as events:
        api.call("POST", f"/containers/{web}/restart?t=0", status=204)
        wanted = {"die", "start", "health_status: healthy"}
        for event in events:
            wanted -= {event["Action"]}
            if not wanted:
                break
        check(event["status"] == event["Action"] and event["id"] == web and event["Actor"]["Attributes"]["name"], str(event))


def dozzle(api, web):
    ping = UnixConnection(api.socket)
    ping.request("HEAD", "/_ping")
    answer = ping.getresponse()
    check(answer.read() == b"" and answer.getheader("Api-Version") == "1.51", str(answer.headers))
    ping.close()
    info = api.call("GET", "/info", status=200)
    check(info["ID"] and info["Name"] and info["NCPU"] > 0 and info["MemTotal"] > 0 and info["ServerVersion"], str(info))
    listed = [each for each in api.call("GET", "/containers/json", status=200, all=1) if each["Id"] == web]
    check(listed[0]["State"] == "running" and listed[0]["Created"] > 0, str(listed))
    logs = api.first_log_bytes(f"/v1.51/containers/{web}/logs?stdout=1&stderr=1&follow=1&timestamps=1&since=2020-01-01T00:00:00.000000000Z")
    check(logs[8:].startswith(b"20") and logs.endswith(b" serving\n"), str(logs))
    check("30 100" in api.terminal(web, "h=30&w=100"), "the terminal's size")
    with api.lines("/v1.51/events") as events, api.lines(f"/v1.51/containers/{web}/stats", stream="true") as stats:
        next(stats)
        api.call("POST", f"/containers/{web}/stop?t=0", status=204)
        check(next(event for event in events if event["Action"] == "die")["Actor"]["ID"] == web, "its end")
    api.call("POST", f"/containers/{web}/start", status=204)


def update_as_dozzle_and_watchtower(api):
    """A successor with what inspect says, in place of one that goes: nothing of it must be lost."""
    old = api.made("updated", ["sleep", "1000"], Binds=["tool-data:/data:ro"], Memory=64 << 20, RestartPolicy={"Name": "always"},
                   PortBindings={"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}, Init=True)
    before = api.call("GET", f"/containers/{old}/json", status=200)
    api.call("POST", f"/containers/{old}/rename?name=updated-old", status=204)
    networks = {name: {"Aliases": each["Aliases"]} for name, each in before["NetworkSettings"]["Networks"].items()}
    body = {**before["Config"], "HostConfig": before["HostConfig"], "NetworkingConfig": {"EndpointsConfig": networks}}
    new = api.call("POST", "/containers/create", body, 201, name="updated")["Id"]
    after = api.call("GET", f"/containers/{new}/json", status=200)
    for part in ("HostConfig", "Mounts"):
        check(after[part] == before[part], f"{part}: {after[part]} instead of {before[part]}")
    differs = {key for key in before["Config"] if after["Config"][key] != before["Config"][key]}
    check(not differs, f"{differs} of {after['Config']}")
    for name in ("updated", "updated-old"):
        api.call("DELETE", f"/containers/{name}?force=1&v=1", status=204)
    api.call("DELETE", "/volumes/tool-data", status=204)


def ctop(api, web):
    """As go-dockerclient asks: without a version."""
    def get(path):
        connection = UnixConnection(api.socket)
        connection.request("GET", path)
        answer = connection.getresponse()
        got = json.loads(answer.read())
        connection.close()
        check(answer.status == 200, path)
        return got

    check(get("/info")["Containers"] > 0, "info")
    check(web in [each["Id"] for each in get("/containers/json?all=1&limit=0&size=0")], "its list")
    shown = get(f"/containers/{web}/json")
    check(shown["Name"].startswith("/") and shown["State"]["StartedAt"] and shown["Config"]["Image"] == SLIM, str(shown))
    asked = {"type": ["container"], "event": ["create", "start", "health_status", "pause", "unpause", "stop", "die", "destroy"]}
    with api.lines("/events", filters=asked) as events, api.lines(f"/containers/{web}/stats?stream=true") as stats:
        sample = next(stats)
        check(sample["pids_stats"]["current"] > 0 and "eth0" in sample["networks"], str(sample))
        for action in ("pause", "unpause"):
            api.call("POST", f"/containers/{web}/{action}", status=204)
            check(next(events)["Action"] == action, action)
    check(api.first_log_bytes(f"/containers/{web}/logs?follow=1&stderr=1&stdout=1&tail=10&timestamps=1").endswith(b" serving\n"), "its log")
    check(" " in api.terminal(web), "a shell")


def portainer(api, world, web):
    check(api.call("GET", "/version", status=200)["Components"][0]["Name"] == "Engine", "what tells Docker from others")
    info = api.call("GET", "/info", status=200)
    check(info["Swarm"]["LocalNodeState"] == "inactive" and info["Plugins"]["Volume"] == ["local"], str(info["Swarm"]))
    usage = api.call("GET", "/system/df", status=200)
    check(web in [each["Id"] for each in usage["Containers"]], str(usage["Containers"]))
    check(api.call("GET", "/plugins", status=200) == [], "plugins")
    for path in ("/swarm", "/nodes", "/services", "/secrets", "/configs", "/tasks"):
        check("swarm manager" in api.call("GET", path, status=503)["message"], path)
    check(api.call("GET", f"/containers/{web}/stats", status=200, stream="false")["read"].startswith("20"), "one sample")
    anonymous = api.call("POST", "/volumes/create", {"Driver": "local", "DriverOpts": {}}, 201)["Name"]
    check(anonymous in [each["Name"] for each in api.call("GET", "/volumes", status=200, filters={"dangling": ["true"]})["Volumes"]], anonymous)
    api.call("DELETE", f"/volumes/{anonymous}", status=204)
    told = api.call("POST", "/build", tar_of({"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "x"}), 200, "application/x-tar", t="portainer:1")
    check(any("Successfully tagged portainer:1" in line.get("stream", "") for line in told), str(told))
    name = f"{world.registry.address}/portainer"
    api.call("POST", "/images/portainer:1/tag", status=201, repo=name, tag="1")
    api.call("POST", f"/images/{name}/push", status=200, tag="1")
    check(api.call("GET", f"/distribution/{name}:1/json", status=200)["Descriptor"]["digest"], "what lazydocker looks for updates by")
    pulled = api.call("POST", "/images/create", status=200, fromImage=name, tag="1")
    check("Image is up to date" in pulled[-1]["status"], str(pulled))
    for image in ("portainer:1", name + ":1"):
        api.call("DELETE", f"/images/{image}", status=200)
    since = api.call("GET", f"/containers/{web}/json", status=200)["Created"]
    with api.lines("/v1.51/events", since=since, until="0s") as events:
        check("create" in [event["Action"] for event in events], "history")


@leaves_the_default_bridge
def scenario_api_tools_that_look(world):
    """lazydocker, Traefik, dozzle, watchtower, ctop and Portainer must get what they ask for."""
    world.write("compose.yaml", f"""
services:
  web:
    image: {SLIM}
    command: sh -c 'echo serving; exec sleep 1000'
    init: true
    expose: ["8080"]
    healthcheck: {{test: [CMD, "true"], interval: 1s, retries: 1}}  # nothing listens at 8080: a second, see decision 32
""")
    world.consort("up", "-d")
    with Tool(world) as api:
        web = api.call("GET", f"/containers/{world.project_name}-web-1/json", status=200)["Id"]
        eventually("it is healthy", lambda: api.call("GET", f"/containers/{web}/json")["State"]["Health"]["Status"] == "healthy")
        lazydocker(api, web)
        traefik(api, world, web)
        dozzle(api, web)
        update_as_dozzle_and_watchtower(api)
        ctop(api, web)
        portainer(api, world, web)
    world.consort("down")
