"""Docker's own clients at `consort serve`."""
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile

from harness import Skip, check, eventually, leaves_the_default_bridge

IMAGE = "debian:bookworm-slim"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(self.path)


class Server:
    """consort serve in a world, and a client of few words."""

    def __init__(self, world, *flags):
        self.socket = str(world.folder / "docker.sock")
        self.process = world.start("serve", "-H", "unix://" + self.socket, *flags)
        self.process.stderr.readline()  # it listens

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def ask(self, method, path, body=None, headers=None):
        connection = UnixConnection(self.socket)
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method, "/v1.51" + path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content and answer.headers.get("Content-Type") == "application/json" else content

    def made(self, name, command, **host):
        status, answer = self.ask("POST", f"/containers/create?name={name}",
                                  {"Image": IMAGE, "Cmd": command, "Labels": {"of": "test"}, "HostConfig": host})
        check(status == 201, f"{status} {answer}")
        return answer["Id"]

    def hijack(self, path, body=b"", upgrade=True):
        """A stream: the frames that come until its end, by their numbers."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(self.socket)
            up = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else ""
            client.sendall(f"POST /v1.51{path} HTTP/1.1\r\nHost: d\r\n{up}Content-Type: application/json\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            data = b""
            while part := client.recv(65536):
                data += part
        head, data = data.split(b"\r\n\r\n", 1)
        streams = {1: b"", 2: b""}
        while data:
            size = int.from_bytes(data[4:8], "big")
            streams[data[0]] += data[8:8 + size]
            data = data[8 + size:]
        return head.decode(), streams


@leaves_the_default_bridge
def scenario_serve_runs_containers_that_outlive_it(world):
    """Containers made through the socket must answer as Docker's do, and not notice when the server is killed."""
    with Server(world) as server:
        check(server.ask("GET", "/containers/nosuch/json") == (404, {"message": "No such container: nosuch"}), "not there")
        # The head of a wait comes before the container is started; the body with its end.
        one = server.made("one", ["sh", "-c", "echo out; echo err >&2; exit 3"])
        waiting = UnixConnection(server.socket)
        waiting.request("POST", f"/v1.51/containers/{one}/wait?condition=next-exit")
        answer = waiting.getresponse()
        check(server.ask("POST", f"/containers/{one}/start")[0] == 204, "start")
        check(json.loads(answer.read()) == {"StatusCode": 3}, "its exit code")
        waiting.close()
        logs = server.ask("GET", f"/containers/{one}/logs?stdout=1&stderr=1")[1]
        check(b"\x01\0\0\0\0\0\0\x04out\n" in logs and b"\x02\0\0\0\0\0\0\x04err\n" in logs, str(logs))
        check(server.ask("DELETE", f"/containers/{one}")[0] == 204, "removed")
        # Processes in a container that runs, in both ways of a stream.
        server.made("two", ["sleep", "1000"])
        server.ask("POST", "/containers/two/start")
        check(server.ask("POST", "/containers/two/start")[0] == 304, "runs already")
        for upgrade, status in ((True, "101 UPGRADED"), (False, "200 OK")):
            made = server.ask("POST", "/containers/two/exec", {"Cmd": ["sh", "-c", "echo o; echo e >&2; exit 4"],
                                                                  "AttachStdout": True, "AttachStderr": True})[1]["Id"]
            head, streams = server.hijack(f"/exec/{made}/start", b"{}", upgrade)
            check(status in head and streams == {1: b"o\n", 2: b"e\n"}, f"{head} {streams}")
            seen = server.ask("GET", f"/exec/{made}/json")[1]
            check(seen["ExitCode"] == 4 and not seen["Running"], str(seen))
        # Below 0 a grace period has no end.
        patient = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "StopTimeout": -1, "HostConfig": {"Init": True, "NetworkMode": "none"}}
        check(server.ask("POST", "/containers/create?name=patient", patient)[0] == 201, "made")
        for call in ("start", "restart?t=-1", "stop?t=-1", "start", "stop"):
            status, answer = server.ask("POST", f"/containers/patient/{call}")
            check(status == 204, f"{call}: {status} {answer}")
        check(server.ask("DELETE", "/containers/patient")[0] == 204, "removed")
        # Who does not read keeps nobody else waiting.
        talks = server.ask("POST", "/containers/two/exec", {"Cmd": ["yes"], "AttachStdout": True})[1]["Id"]
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(server.socket)
            deaf.sendall(f"POST /v1.51/exec/{talks}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            eventually("it talks", lambda: server.ask("GET", f"/exec/{talks}/json")[1]["Running"])
            check(server.ask("GET", "/containers/two/top")[0] == 200, "others are answered")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("there"), None)
        check(server.ask("PUT", "/containers/two/archive?path=/tmp", archive.getvalue(), {"Content-Type": "application/x-tar"})[0] == 200, "in")
        status, content = server.ask("GET", "/containers/two/archive?path=/tmp/there")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            check(status == 200 and tar.getnames() == ["there"], "out")
        pid = server.ask("GET", "/containers/two/json")[1]["State"]["Pid"]
        for call, query in (("stop", "?t=0"), ("kill", "")):
            stopped = server.made("stopped", ["sleep", "1000"], AutoRemove=True)
            server.ask("POST", "/containers/stopped/start")
            check(server.ask("POST", f"/containers/stopped/{call}{query}")[0] == 204, call)
            listed = [each["Id"] for each in server.ask("GET", "/containers/json?all=1")[1]]
            check(stopped not in listed, f"after {call} it is still listed")
        going = server.made("going", ["sleep", "1000"], AutoRemove=True)
        server.ask("POST", "/containers/going/start")
        ends = server.ask("GET", "/containers/going/json")[1]["State"]["Pid"]
    # Nobody is there who would remove what goes when it ends: its supervisor sees to it, without any command.
    os.kill(ends, signal.SIGKILL)
    eventually("the container that has ended is removed", lambda: not (world.data / "containers" / going).exists())
    # Killed, and replaced: nothing has happened to the container.
    with Server(world, "--read-only") as server:
        seen = server.ask("GET", "/containers/two/json")[1]
        check(seen["State"]["Pid"] == pid and seen["State"]["Running"], str(seen["State"]))
        check(server.ask("POST", "/containers/two/stop?t=0")[0] == 403, "read-only")
    with Server(world) as server:
        check(server.ask("POST", "/containers/two/stop?t=0")[0] == 204, "stop")
        check(server.ask("DELETE", "/containers/two")[0] == 204, "removed")


@leaves_the_default_bridge
def scenario_serve_shows_what_consort_has_started(world):
    """Clients of the socket must see what `consort up` has started, and the other way round."""
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    command: sleep 1000
    labels: {{of: test}}
""")
    world.consort("up", "-d")
    with Server(world) as server:
        filters = json.dumps({"label": {f"com.docker.compose.project={world.project_name}": True}}).replace('"', "%22").replace(" ", "")
        listed = server.ask("GET", f"/containers/json?filters={filters}")[1]
        check([each["Names"] for each in listed] == [[f"/{world.project_name}-web-1"]], str(listed))
        network = listed[0]["NetworkSettings"]["Networks"][f"{world.project_name}_default"]
        check(network["NetworkID"] == server.ask("GET", f"/networks/{world.project_name}_default")[1]["Id"], str(network))
        # The other way round: what a client makes with Compose's labels belongs to the project.
        made = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "Labels": {"com.docker.compose.project": world.project_name,
                "com.docker.compose.service": "web", "com.docker.compose.container-number": "2", "com.docker.compose.oneoff": "False"}}
        check(server.ask("POST", f"/containers/create?name={world.project_name}-web-2", made)[0] == 201, "made")
        check(server.ask("POST", f"/containers/{world.project_name}-web-2/start")[0] == 204, "started")
        check(len(world.ps_all()) == 2, str(world.ps_all()))
        # Of nobody's project: not among the projects.
        lonely = server.made("lonely", ["sleep", "1000"])
        server.ask("POST", "/containers/lonely/start")
        # What a container shares with one that is named is told by that one's id.
        modes = ("NetworkMode", "IpcMode", "PidMode")
        server.made("borrower", ["true"], **dict.fromkeys(modes, "container:lonely"))
        host = server.ask("GET", "/containers/borrower/json")[1]["HostConfig"]
        check({host[mode] for mode in modes} == {f"container:{lonely}"}, str(host))
        server.ask("DELETE", "/containers/borrower")
        check(world.consort("ls", "-q").out.split() == [world.project_name], "projects")
        server.ask("DELETE", "/containers/lonely?force=1")
    world.consort("down")


@leaves_the_default_bridge
def scenario_serve_speaks_to_the_docker_command(world):
    """The real docker command must do on the socket what it does on dockerd's."""
    docker = shutil.which("docker")
    if not docker:
        raise Skip("there is no docker command (Debian: docker.io)")

    def run(*argv, status=0, text=None):
        done = subprocess.run([docker, "-H", "unix://" + server.socket, *argv], capture_output=True, text=True, timeout=120,
                              input=text, env={**os.environ, "DOCKER_CONFIG": str(world.folder)})
        check(done.returncode == status, f"{argv}: {done}")
        return done.stdout

    with Server(world) as server:
        check(run("run", "--rm", IMAGE, "echo", "hi") == "hi\n", "run")
        check(run("run", "--rm", "-i", IMAGE, "cat", text="typed\n") == "typed\n", "input")
        run("run", "--rm", IMAGE, "nosuch", status=127)
        run("run", "--rm", IMAGE, "sh", "-c", "exit 5", status=5)
        run("run", "-d", "--name", "cli", IMAGE, "sh", "-c", "echo one; exec sleep 1000")
        eventually("its first line", lambda: run("logs", "cli") == "one\n")
        check(run("exec", "-i", "cli", "cat", text="more\n") == "more\n", "exec")
        check(run("ps", "--format", "{{.Names}} {{.State}}") == "cli running\n", "ps")
        run("rm", "-f", "cli")
        check(run("ps", "-aq") == "", "all gone")
