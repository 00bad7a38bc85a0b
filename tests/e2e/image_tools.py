"""Images made byte by byte, registries with and without TLS and passwords, and a proxy that cuts connections."""
import base64
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zlib

from harness import Skip, check, eventually, free_port, run

DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def tar_of(*entries):
    """entries: (name, bytes) for files, or a tarfile.TarInfo for anything else."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            tar.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


def special(name, kind, link="", major=0, minor=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.devmajor, info.devminor, info.mode = kind, link, major, minor, 0o755
    return info


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def zero_bomb(size):
    """A packed layer of a few megabytes that holds one file of `size` zeros. Gives (packed, diff id that nobody checks)."""
    head = tarfile.TarInfo("zeros")
    head.size = size
    chunk = 64 << 20
    member = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = member.compress(bytes(chunk)) + member.flush()
    packed = gzip.compress(head.tobuf(tarfile.PAX_FORMAT)) + zeros * (size // chunk)
    return packed


class ApiRegistry:
    """Debian's docker-registry on an address of this machine; plain, or with TLS of an authority of its own and a password."""

    USER = ("tester", "se:cret")

    def __init__(self, folder, address="127.0.0.1", tls=False, password=False):
        self.folder, self.port = folder, free_port()
        self.host, self.authority = f"{address}:{self.port}", folder / "ca.crt"
        self.scheme, self.password = "https" if tls else "http", password
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["version: 0.1", "log: {level: error, accesslog: {disabled: true}}",
                 f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}"]
        http = f"http: {{addr: '{self.host}'"
        if tls:
            self.make_certificates(address)
            http += f", tls: {{certificate: {folder}/server.crt, key: {folder}/server.key}}"
        lines.append(http + "}")
        if password:
            made = run(["htpasswd", "-Bbn", *self.USER])
            check(made.status == 0, str(made))
            (folder / "htpasswd").write_text(made.out)
            lines.append(f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}")
        (folder / "config.yml").write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        eventually("the registry answers", lambda: self.request("GET", "/v2/").status == 200)

    def make_certificates(self, address):
        def openssl(*argv):
            made = run(["openssl", *argv], cwd=self.folder)
            check(made.status == 0, str(made))

        (self.folder / "names").write_text(f"subjectAltName=IP:{address}\n")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.crt")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=registry", "-keyout", "server.key", "-out", "server.csr")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
                "names", "-out", "server.crt")

    def request(self, method, path, data=None, kind="application/octet-stream"):
        # A registry gives an OCI manifest only to who asks for one.
        headers = {"Content-Type": kind, "Accept": "application/vnd.oci.image.manifest.v1+json, */*"}
        if self.password:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(self.USER).encode()).decode()
        url = path if path.startswith("http") else f"{self.scheme}://{self.host}{path}"
        context = ssl.create_default_context(cafile=str(self.authority)) if self.scheme == "https" else None
        return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers=headers), timeout=60, context=context)

    def put_blob(self, repository, content):
        with self.request("POST", f"/v2/{repository}/blobs/uploads/") as answer:
            place = answer.headers["Location"]
        self.request("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest_of(content)}", content).close()
        return {"digest": digest_of(content), "size": len(content)}

    def put_image(self, name, layers, change=lambda manifest: None):
        """layers: (packed bytes, tar bytes) base first; tar None: nobody knows it. change may spoil the manifest."""
        repository, tag = name.split(":")
        diff_ids = [digest_of(tar if tar is not None else packed) for packed, tar in layers]
        config = json.dumps({"architecture": ARCHITECTURE, "os": "linux", "config": {"Cmd": ["true"]},
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
        manifest = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST,
                    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **self.put_blob(repository, config)},
                    "layers": [{"mediaType": DOCKER_LAYER, **self.put_blob(repository, packed)} for packed, _ in layers]}
        change(manifest)
        self.request("PUT", f"/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(), DOCKER_MANIFEST).close()
        return f"{self.host}/{name}"

    def blob_file(self, digest):
        """Where the registry keeps a blob: to be damaged."""
        return self.folder / "data/docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"

    def close(self):
        self.process.terminate()
        self.process.wait()


class CuttingProxy:
    """Passes connections on to a registry, counts what comes back, and cuts the line once after so many bytes (0: never).

    rate: bytes a second and connection that come through; None: all that there are.
    """

    def __init__(self, target, cut_after, rate=None):
        self.target, self.cut_after, self.rate = target, cut_after, rate
        self.passed, self.cuts, self.refuse, self.refused = 0, 0, False, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refuse:
                self.refused += 1
                client.close()
                continue
            host, port = self.target.rsplit(":", 1)
            try:
                server = socket.create_connection((host, int(port)))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self.copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, True), daemon=True).start()

    def copy(self, source, sink, back):
        try:
            while data := source.recv(16384):
                if back and self.must_cut(len(data)):
                    break
                sink.sendall(data)
                if back and self.rate:
                    time.sleep(len(data) / self.rate)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def must_cut(self, size):
        with self.lock:
            if self.cut_after and self.passed + size > self.cut_after:
                self.cut_after, self.cuts = 0, self.cuts + 1
                self.refuse = self.refuse_after_cut
                return True
            self.passed += size
            return False

    refuse_after_cut = False

    def close(self):
        self.listener.close()


def store_listing(world):
    """What the store holds, as names: compared before and after what must leave nothing."""
    found = set()
    for folder in ("blobs/sha256", "layers", "ingest"):
        place = pathlib.Path(world.data) / folder
        if place.exists():
            found |= {f"{folder}/{entry.name}" for entry in place.iterdir() if entry.name != ".trash"}
            found |= {f"{folder}/.trash/{entry.name}" for entry in place.glob(".trash/*") if entry.name != "aside"}
    return found | {f"image {line}" for line in world.consort("image", "ls", "-q").out.split()}


def need(program):
    import shutil

    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def noise(size):
    return os.urandom(size)


def packed(tar):
    return gzip.compress(tar, 1), tar


def refused(world, *argv, says, env=None):
    ran = world.consort(*argv, status=None, env=env)
    check(ran.status == 1, f"expected a failure:\n{ran}")
    check(re.search(says, ran.err), f"does not say {says!r}:\n{ran}")
    return ran
