"""Other ways to `consort serve` than a unix socket and HTTP: TCP with certificates, websockets."""
import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

from harness import CONSORT, check, free_port, leaves_the_default_bridge
from scenarios_serve import Server, UnixConnection


def make_certificates(folder):
    """An authority, and certificates of it for a server and a client; and a client of another authority."""
    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{name}-key.pem", "-out", f"{name}.pem")
    for name, authority in (("server", "ca"), ("client", "ca"), ("stranger", "other-ca")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                f"{name}-key.pem", "-out", f"{name}.csr")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}-key.pem", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.pem")


def talk(folder, port, who, request):
    """The whole answer of a server on TCP to a client that is somebody, or (None) nobody."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if who:
        context.load_cert_chain(str(folder / f"{who}.pem"), str(folder / f"{who}-key.pem"))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
        client.sendall(request)
        data = b""
        while part := client.recv(65536):
            data += part
        return data


def scenario_api_tls_lets_in_who_has_a_certificate(world):
    """Over TCP, only clients with a certificate of the authority must be answered."""
    make_certificates(world.folder)
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    refused = world.consort("serve", "-H", address, status=None)
    check(refused.status == 1 and "--tlsverify" in refused.err, str(refused))
    half = world.consort("serve", "-H", address, "--tlscert", "server.pem", status=None)
    check(half.status == 1 and "needs --tlsverify" in half.err, str(half))
    server = world.start("serve", "-H", address, "--tlsverify", "--tlscacert", str(world.folder / "ca.pem"),
                         "--tlscert", str(world.folder / "server.pem"), "--tlskey", str(world.folder / "server-key.pem"))
    try:
        server.stderr.readline()  # it listens
        ping = b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
        answer = talk(world.folder, port, "client", ping)
        check(answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"OK"), str(answer))
        for who in (None, "stranger"):
            try:
                check(talk(world.folder, port, who, ping) == b"", f"{who} has been answered")
            except (ssl.SSLError, ConnectionError):
                pass
        # What is large comes whole, in both directions.
        body = b"x" * 300_000
        answer = talk(world.folder, port, "client", b"POST /v1.51/images/load HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: "
                      + str(len(body)).encode() + b"\r\n\r\n" + body)
        check(b'"message"' in answer or b'"error"' in answer, str(answer[:300]))
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stderr.close()


@leaves_the_default_bridge
def scenario_api_attach_by_websocket(world):
    """A web page must be able to attach: frames in, frames out, and the end."""
    with Server(world) as server:
        body = {"Image": "debian:bookworm-slim", "Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True}
        status, made = server.ask("POST", "/containers/create?name=ws", body)
        check(status == 201 and server.ask("POST", "/containers/ws/start")[0] == 204, str(made))
        check(server.ask("GET", "/containers/ws/attach/ws?stream=1")[0] == 400, "no handshake")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(server.socket)
            key = base64.b64encode(os.urandom(16)).decode()
            client.sendall(f"GET /v1.51/containers/ws/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
                           f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65536)
            head, data = data.split(b"\r\n\r\n", 1)
            check(b"101" in head and b"Sec-WebSocket-Accept: " in head, str(head))
            client.sendall(b"\x81\x83\0\0\0\0hi\n")  # a text, with a mask that changes nothing
            while len(data) < 5:
                data += client.recv(65536)
            check(data == b"\x82\x03hi\n", str(data))
        # Its input was for this client only: it ends with it.
        check(json_of(server.ask("POST", "/containers/ws/wait"))["StatusCode"] == 0, "its end")
        # What ps shows is as it was asked for; and a link can be taken away.
        server.made("top", ["sleep", "1000"])
        server.ask("POST", "/containers/top/start")
        shown = server.ask("GET", "/containers/top/top?ps_args=-eo%20pid,args")[1]
        check(shown["Titles"] == ["PID", "COMMAND"] and shown["Processes"][0][1] == "sleep 1000", str(shown))
        check(server.ask("GET", "/containers/top/top?ps_args=-eo%20ppid%3DPID,args")[0] == 500, "another column for the PID")
        server.made("linked", ["env"], Links=["top:db-1"])
        waiting = server.ask("POST", "/containers/linked/start")[0], json_of(server.ask("POST", "/containers/linked/wait"))
        check(waiting == (204, {"StatusCode": 0}), str(waiting))
        check(b"DB_1_NAME=/linked/db-1\n" in server.ask("GET", "/containers/linked/logs?stdout=1")[1], "its environment")
        check(server.ask("DELETE", "/containers/linked/db-1?link=1")[0] == 204, "the link goes")
        check(server.ask("DELETE", "/containers/linked/db-1?link=1")[0] == 404, "once")
        for name in ("ws", "top", "linked"):
            check(server.ask("DELETE", f"/containers/{name}?force=1")[0] == 204, name)


def json_of(answer):
    return answer[1] if isinstance(answer[1], dict) else json.loads(answer[1])


ASK = r"""perl -MIO::Socket::UNIX -e '
my $s = IO::Socket::UNIX->new("/var/run/docker.sock") or die "no server: $!";
print $s "@ARGV HTTP/1.0\r\nHost: d\r\n\r\n"; print while <$s>' -- """


def scenario_api_of_a_project_in_its_containers(world):
    """A service that mounts Docker's socket must see its own project and nothing else, also after its supervisor was killed."""
    def service(more):
        world.write("compose.yaml", f"services:\n  web:\n    image: debian:bookworm-slim\n    command: sleep 1000\n    stop_grace_period: 0s\n{more}")
        return world.consort("up", "-d").err

    def ask(request):
        return world.consort("exec", "-T", "web", "sh", "-c", ASK + request).out

    told = service("    volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']\n")
    check("the API of this project only" in told, told)
    check(f'"/{world.project_name}-web-1"' in ask("GET /containers/json"), "its own container")
    refused = ask("POST /images/create?fromImage=x")
    check(refused.startswith("HTTP/1.1 403") and "for project" in refused, refused)
    for pid in world.supervisor_pids():
        os.kill(pid, signal.SIGKILL)
    check(f'"/{world.project_name}-web-1"' in ask("GET /containers/json"), "the same file, and somebody behind it")
    told = service("    use_api_socket: true\n")
    check("the API of this project only" in told and ask("GET /_ping").endswith("OK"), told)
    world.consort("down")


def scenario_api_server_comes_and_goes(world):
    """A server under a socket of systemd's must begin with a client, stay for as long as one is there, and end by itself."""
    path = str(world.folder / "activated.sock")

    def server():
        # Who hands over sockets gives them from descriptor 3 on, and the number of the process that is meant.
        argv = ["sh", "-c", 'exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" serve --idle-timeout 1', str(CONSORT)]
        return subprocess.Popen(argv, stdin=listener, stderr=subprocess.DEVNULL, env=world.env)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        for _ in range(2):  # the second one finds what the first has left: the socket, and who waits there
            client = UnixConnection(path)
            client.connect()
            process = server()
            try:
                client.request("GET", "/_ping")
                check(client.getresponse().read() == b"OK", "answered")
                check(process.poll() is None, "it has gone while a client was there")
                client.close()
                check(process.wait(120) == 0, "its end")
            finally:
                process.kill()
                process.wait()
    # By hand, and not told where.
    usual = world.start("serve")
    try:
        usual.stderr.readline()  # it listens
        client = UnixConnection(str(world.run_root / "docker.sock"))
        client.request("GET", "/_ping")
        check(client.getresponse().read() == b"OK" and os.stat(client.path).st_mode & 0o777 == 0o600, "at its usual place")
        client.close()
    finally:
        usual.kill()
        usual.wait()
        usual.stdout.close()
        usual.stderr.close()
    # A context for the docker command, without that command.
    config = world.folder / "docker"
    told = world.consort("serve", "--install", "-H", "unix:///run/x.sock", env={"DOCKER_CONFIG": str(config)}).out
    context = json.loads(next(config.glob("contexts/meta/*/meta.json")).read_text())
    check(context["Name"] == "consort" and context["Endpoints"]["docker"]["Host"] == "unix:///run/x.sock", str(context))
    check("docker context use consort" in told and "DOCKER_HOST=unix:///run/x.sock" in told, told)
    if docker := shutil.which("docker"):
        shown = subprocess.run([docker, "context", "ls"], env={**os.environ, "DOCKER_CONFIG": str(config)}, capture_output=True, text=True)
        check("unix:///run/x.sock" in shown.stdout, str(shown))
