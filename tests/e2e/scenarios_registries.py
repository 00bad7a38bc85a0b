"""Registries as people use them: an imitation of Docker Hub, one that hangs, and one that is away for a while."""
import contextlib
import hashlib
import http.server
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import urllib.parse

from harness import check, eventually, http as ask, run
from image_tools import ARCHITECTURE, digest_of, need, store_listing

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REGISTRY, TOKENS, CDN = "registry-1.docker.io", "auth.docker.io", "production.cloudflare.docker.com"


class DockerHub:
    """Three hosts behind one proxy for HTTPS: a registry that wants a token for each repository and counts pulls, the server
    that gives the tokens, and a CDN that refuses whoever shows one. The images are those of a plain registry."""

    def __init__(self, folder, behind):
        self.folder, self.behind = folder, behind
        self.asked = []  # (method, host, path, had Authorization)
        self.lock = threading.Lock()
        folder.mkdir(parents=True)
        self.make_certificates()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def make_certificates(self):
        def openssl(*argv):
            made = run(["openssl", *argv], cwd=self.folder)
            check(made.status == 0, str(made))

        (self.folder / "names").write_text(f"subjectAltName=DNS:{REGISTRY},DNS:{TOKENS},DNS:{CDN}\n")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.crt")
        openssl("req", *curve, "-subj", "/CN=hub", "-keyout", "server.key", "-out", "server.csr")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
                "names", "-out", "server.crt")

    def environment(self):
        nothing = self.folder / "registries.conf"
        nothing.write_text("")
        return {"HTTPS_PROXY": self.proxy, "SSL_CERT_FILE": str(self.folder / "ca.crt"),
                "CONTAINERS_REGISTRIES_CONF": str(nothing), "DOCKER_CONFIG": str(self.folder)}

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.tunnel, args=(connection,), daemon=True).start()

    def tunnel(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                got = connection.recv(4096)
                if not got:
                    return
                head += got
            host = head.split()[1].decode().rsplit(":", 1)[0]
            if not head.startswith(b"CONNECT ") or host not in (REGISTRY, TOKENS, CDN):
                connection.sendall(b"HTTP/1.1 502 Unknown\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            with self.context.wrap_socket(connection, server_side=True) as secure:
                hub = self

                class Handler(http.server.BaseHTTPRequestHandler):
                    protocol_version = "HTTP/1.1"

                    def do_GET(self):
                        hub.answer(self, host)

                    do_HEAD = do_GET

                    def log_message(self, *_):
                        pass

                Handler(secure, ("127.0.0.1", 0), None)

    def answer(self, request, host):
        authorization = request.headers.get("Authorization", "")
        with self.lock:
            self.asked.append((request.command, host, request.path, authorization != ""))
        reply = {REGISTRY: self.registry, TOKENS: self.token, CDN: self.cdn}[host]
        status, headers, body = reply(request.path, authorization)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    def token(self, path, _):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(path).query)
        check(query["service"] == ["registry.docker.io"], f"asks for a token of another service: {path}")
        return 200, {"Content-Type": "application/json"}, json.dumps({"token": query["scope"][0], "expires_in": 300}).encode()

    def registry(self, path, authorization):
        repository, _, rest = path.removeprefix("/v2/").rpartition("/" + ("blobs" if "/blobs/" in path else "manifests") + "/")
        if authorization != f"Bearer repository:{repository}:pull":
            challenge = f'Bearer realm="https://{TOKENS}/token",service="registry.docker.io",scope="repository:{repository}:pull"'
            return 401, {"WWW-Authenticate": challenge, "Docker-Distribution-Api-Version": "registry/2.0"}, b'{"errors":[{"code":"UNAUTHORIZED"}]}'
        if "/blobs/" in path:
            return 307, {"Location": f"https://{CDN}/registry-v2/docker/registry/v2/blobs/{repository}/{rest}?verify=signed"}, b""
        kind, body = self.manifest(repository, rest)
        return 200, {"Content-Type": kind, "Docker-Content-Digest": digest_of(body), "ratelimit-limit": "100;w=21600",
                     "ratelimit-remaining": "99;w=21600", "docker-ratelimit-source": "198.51.100.7"}, body

    def manifest(self, repository, selector):
        """A tag stands for an index of several platforms, each with an attestation."""
        # Whichever of both it was pushed as: to "*/*" this registry has no OCI manifest.
        kind, own = self.plain(f"/v2/{repository}/manifests/{selector}", f"{MANIFEST}, application/vnd.docker.distribution.manifest.v2+json")
        if selector.startswith("sha256:"):
            return kind, own
        entry = {"mediaType": kind, "digest": digest_of(own), "size": len(own)}

        def foreign(platform, notes=None):
            digest = "sha256:" + hashlib.sha256(str((platform, notes)).encode()).hexdigest()
            return {"mediaType": MANIFEST, "digest": digest, "size": 1000, "platform": platform, **({"annotations": notes} if notes else {})}

        attestation = {"vnd.docker.reference.digest": digest_of(own), "vnd.docker.reference.type": "attestation-manifest"}
        entries = [foreign({"architecture": "s390x", "os": "linux"}), {**entry, "platform": {"architecture": ARCHITECTURE, "os": "linux"}},
                   foreign({"architecture": "unknown", "os": "unknown"}, attestation)]
        return INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()

    def cdn(self, path, authorization):
        if authorization:
            return 400, {}, b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>"
        repository, _, digest = path.partition("?")[0].removeprefix("/registry-v2/docker/registry/v2/blobs/").rpartition("/")
        return 200, {"Content-Type": "application/octet-stream"}, self.plain(f"/v2/{repository}/blobs/{digest}", "*/*")[1]

    def plain(self, path, accept):
        import urllib.request

        with urllib.request.urlopen(urllib.request.Request(f"http://{self.behind}{path}", headers={"Accept": accept}), timeout=60) as answer:
            return answer.headers["Content-Type"], answer.read()

    def since(self, start):
        with self.lock:
            return self.asked[start:]

    def close(self):
        self.listener.close()


# The tutorial's two services; the image of the second is built in an instant.
TUTORIAL = """
services:
  db:
    image: postgres:15-alpine
    environment: {POSTGRES_PASSWORD: secret}
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U postgres"], interval: 1s, timeout: 5s, retries: 500}
  web:
    build: .
    init: true
    command: sleep infinity
    depends_on: {db: {condition: service_healthy}}
"""


def scenario_reg_first_up_from_docker_hub(world):
    """The tutorial's first `up` must get its images from Docker Hub as it is, and later ones must not count as pulls."""
    need("openssl")
    hub = DockerHub(world.folder / "hub", world.registry.address)
    try:
        world.use_fresh_store()
        world.env.update(hub.environment())
        world.write("compose.yaml", TUTORIAL)
        world.write("Dockerfile", "FROM debian:bookworm-slim\nCOPY compose.yaml /\n")
        world.consort("up", "-d", "--wait")
        running = json.loads("[" + ",".join(world.consort("ps", "--format", "json").out.split("\n")).rstrip(",") + "]")
        check(sorted(c["Service"] for c in running) == ["db", "web"], f"not both run: {running}")
        first = hub.since(0)
        check(not any(had for _, host, _, had in first if host == CDN), "the CDN was shown a token")
        check(any(host == CDN for _, host, _, _ in first), "no layer came from the CDN")
        before = len(first)
        again = world.consort("up", "-d", "--pull", "always", "--build")
        world.consort("build", "--pull")
        asked = [(method, path) for method, host, path, _ in hub.since(before) if host == REGISTRY]
        check(asked and all(method == "HEAD" for method, _ in asked), f"asked with more than HEAD: {asked}\n{again}")
        wrong = world.consort("image", "pull", "postgres:15-alpine", "--platform", "linux/riscv64", status=1)
        check("no matching manifest for linux/riscv64" in wrong.err and "linux/s390x" in wrong.err, str(wrong))
        world.consort("down", "-v")
    finally:
        hub.close()


class Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(self.listener.accept()[0])

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


def stop(process, number):
    """Sends the signal once it is heard, and waits for the end. Who hangs is killed, which is another status."""
    def heard():
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())
        return int(caught.group(1), 16) >> (number - 1) & 1

    eventually("it hears the signal", heard)
    process.send_signal(number)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def scenario_reg_interrupted(world):
    """Ctrl-C and SIGTERM must end pull, push, load and save wherever they wait, and leave nothing half-made."""
    silent = Silent()
    try:
        world.use_fresh_store()
        root = world.folder / "root.tar"
        run(["tar", "-cf", root, "-C", "/etc", "hostname"])
        pushed = f"{silent.host}/app:1"
        world.consort("image", "import", root, pushed)
        before = store_listing(world)
        for number in (signal.SIGINT, signal.SIGTERM):
            for argv in (["image", "pull", f"{silent.host}/other:1"], ["image", "push", pushed]):
                seen = len(silent.connections)
                process = world.start(*argv)
                eventually(f"{argv} has connected", lambda: len(silent.connections) > seen)
                stop(process, number)
                check(process.returncode == 130, f"{argv}: status {process.returncode}")
            for argv in (["image", "load"], ["image", "import", "-", "x:1"]):
                process = world.start(*argv, stdin=subprocess.PIPE)
                # Once it sleeps in a read, it has got as far as it can.
                eventually(f"{argv} waits", lambda: "S (sleeping)" in pathlib.Path(f"/proc/{process.pid}/status").read_text()
                           and (world.data / "ingest").exists())
                stop(process, number)
                process.stdin.close()
                check(process.returncode == 130, f"{argv}: status {process.returncode}")
        # What was packed for a push is a layer's blob, and stays.
        left = {name for name in store_listing(world) ^ before if not name.startswith("blobs/")}
        check(not left, f"left behind: {left}")
    finally:
        silent.close()
