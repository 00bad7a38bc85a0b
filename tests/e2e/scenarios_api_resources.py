"""Docker's Engine API: networks, volumes, disk usage, images as archives, and builds."""
import contextlib
import http.server
import io
import json
import tarfile
import threading
from urllib.parse import quote, urlencode

from harness import check, free_port, leaves_the_default_bridge
from scenarios_serve import Server, UnixConnection

SLIM = "debian:bookworm-slim"


class Api(Server):
    def call(self, method, path, body=None, status=None, kind="application/json", **query):
        """The answer's JSON (of a stream, a list of its lines), or its bytes."""
        query = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in query.items()}
        target = f"/v1.51{path}" + ("?" + urlencode(query, doseq=True) if query else "")
        data = json.dumps(body) if isinstance(body, dict) else body
        connection = UnixConnection(self.socket)
        connection.request(method, target, data, {"Content-Type": kind} if data is not None else {})
        answer = connection.getresponse()
        got = answer.read()
        connection.close()
        if status is not None:
            check(answer.status == status, f"{method} {target}: {answer.status} instead of {status}: {got[:500]!r}")
        if answer.getheader("Content-Type") != "application/json":
            return got
        if b"\r\n" in got:
            return [json.loads(line) for line in got.splitlines() if line.strip()]
        return json.loads(got)


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


@contextlib.contextmanager
def cut_short(body, length):
    """The address of a server that promises the body, and ends after so many bytes (None: all)."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:length])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/x.tar"
        finally:
            server.shutdown()
            thread.join()


@leaves_the_default_bridge
def scenario_api_networks(world):
    """Networks made through the API must be those of the command line, and take in and let go of running containers with Docker's answers."""
    world.write("compose.yaml", f"services: {{a: {{image: {SLIM}, init: true, command: sleep 600}}}}\n")
    world.consort("up", "-d")
    a = world.service("a")["Name"]
    with Api(world) as api:
        made = api.call("POST", "/networks/create", {"Name": "ofapi", "IPAM": {"Config": [{"Subnet": "10.94.0.0/24"}]}, "Labels": {"k": "v"}}, 201)
        check("already exists" in api.call("POST", "/networks/create", {"Name": "ofapi"}, 409)["message"], "a second one")
        api.call("POST", "/networks/create", {"Name": "bridge"}, 403)
        connect = {"Container": a, "EndpointConfig": {"Aliases": ["other"], "IPAMConfig": {"IPv4Address": "10.94.0.9"}}}
        api.call("POST", "/networks/ofapi/connect", connect, 200)
        api.call("POST", "/networks/ofapi/connect", connect, 403)
        shown = api.call("GET", "/networks/ofapi", status=200)
        check(shown["Id"] == made["Id"] and shown["Labels"] == {"k": "v"}, f"{shown}")
        check([c["IPv4Address"] for c in shown["Containers"].values()] == ["10.94.0.9/24"], f"{shown}")
        settings = api.call("GET", f"/containers/{a}/json", status=200)["NetworkSettings"]["Networks"]["ofapi"]
        check(settings["IPAddress"] == "10.94.0.9" and settings["IPPrefixLen"] == 24 and settings["Aliases"] == ["other"], f"{settings}")
        check(settings["NetworkID"] == made["Id"], f"{settings}")
        check("active endpoints" in api.call("DELETE", "/networks/ofapi", status=403)["message"], "removed although in use")
        api.call("POST", "/networks/ofapi/disconnect", {"Container": a}, 200)
        api.call("POST", "/networks/ofapi/disconnect", {"Container": a}, 500)
        api.call("POST", "/networks/nope/connect", connect, 404)
        names = [n["Name"] for n in api.call("GET", "/networks", status=200, filters={"type": ["custom"], "name": {"ofapi": True}})]
        check(names == ["ofapi"], f"{names}")
        check("invalid filter 'x'" in api.call("GET", "/networks", status=400, filters={"x": ["y"]})["message"], "an unknown filter")
        check(api.call("GET", "/networks", status=200, filters={"type": []}) == [], "networks of no type")
        check(len(api.call("GET", "/networks", status=200, filters={"driver": [], "dangling": {}})) > 3, "an empty list is no filter")
        check("ofapi" in api.call("POST", "/networks/prune", status=200)["NetworksDeleted"], "not pruned")
        # Names are refused as they were given.
        for name in ("/a b", "a b", "//ab"):
            for path, before, shown in (("/containers/create", "Invalid", name),
                                        (f"/containers/{a}/rename", "Error when allocating new name: Invalid", name if name[0] == "/" else "/" + name)):
                told = api.call("POST", path, {"Image": SLIM}, 400, name=name)["message"]
                check(told == f"{before} container name ({shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", told)
    world.consort("down")


@leaves_the_default_bridge
def scenario_api_volumes_and_room(world):
    """Volumes must come, be listed and go as Docker says, and df must count what is there."""
    with Api(world) as api:
        anonymous = api.call("POST", "/volumes/create", {}, 201)
        check(len(anonymous["Name"]) == 64 and anonymous["Labels"] == {"com.docker.volume.anonymous": ""}, f"{anonymous}")
        api.call("POST", "/volumes/create", {"Name": "apiv", "Labels": {"k": "v"}}, 201)
        api.call("POST", "/volumes/create", {"Name": "apiv"}, 201)
        api.call("POST", "/volumes/create", {"Name": "a/b"}, 400)
        check("volume name is too short" in api.call("POST", "/volumes/create", {"Name": "a"}, 400)["message"], "a name of one character")
        listed = api.call("GET", "/volumes", status=200, filters={"label": ["k=v"], "dangling": ["true"]})["Volumes"]
        check([v["Name"] for v in listed] == ["apiv"], f"{listed}")
        world.consort("volume", "inspect", "apiv")
        usage = api.call("GET", "/system/df", status=200)
        check({"apiv", anonymous["Name"]} <= {v["Name"] for v in usage["Volumes"]} and usage["LayersSize"] > 0, f"{usage}")
        check(any(f"{SLIM}" in i["RepoTags"] for i in usage["Images"]), f"{usage['Images']}")
        pruned = api.call("POST", "/volumes/prune", status=200)["VolumesDeleted"]
        check(anonymous["Name"] in pruned and "apiv" not in pruned, f"{pruned}")
        check(api.call("POST", "/volumes/prune", status=200, filters={"all": []})["VolumesDeleted"] == [], "an empty list, and not null")
        check(api.call("GET", "/images/json", status=200, filters={"reference": []}) == [], "images of no name")
        api.made("mounts", ["true"], Binds=["/etc:/x:ro,rslave", "/etc:/y", "apiv:/z:rw"])
        mounts = {m["Destination"]: (m["Mode"], m["RW"], m["Propagation"]) for m in api.call("GET", "/containers/mounts/json", status=200)["Mounts"]}
        check(mounts == {"/x": ("ro,rslave", False, "rslave"), "/y": ("", True, "rprivate"), "/z": ("rw", True, "")}, f"{mounts}")
        listed = api.call("GET", "/containers/json", status=200, all=1, filters={"name": ["mounts"]})[0]["Mounts"]
        check({m["Destination"]: m["Propagation"] for m in listed} == {"/x": "rslave", "/y": "rprivate", "/z": ""}, f"{listed}")
        api.call("DELETE", "/containers/mounts", status=204)
        api.call("DELETE", "/volumes/apiv", status=204)
        api.call("DELETE", "/volumes/apiv", status=404)
        api.call("DELETE", "/volumes/apiv", status=204, force=1)


@leaves_the_default_bridge
def scenario_api_builds_and_archives(world):
    """A tar must become an image by the classic endpoint, go out as an archive and come back; what is wrong with it is said as Docker says it."""
    files = {"Dockerfile": f"FROM {SLIM}\nARG X\nCOPY f /f\nRUN echo $X >> /f\nLABEL l=v\n", "f": "file\n"}
    with Api(world) as api:
        lines = api.call("POST", "/build", tar_of(files), 200, "application/x-tar", t=["apib:1", "apib:2"], buildargs={"X": "arg"})
        text = "".join(line.get("stream", "") for line in lines)
        check("Step 1/" in text and "Successfully built " in text and "Successfully tagged apib:2\n" in text, text)
        image = next(line["aux"]["ID"] for line in lines if "aux" in line)
        check(world.consort("image", "inspect", "--format", "{{.Id}}", "apib:1").out.strip() == image, "another image")
        with cut_short(tar_of(files), None) as address:
            lines = api.call("POST", "/build", status=200, remote=address, buildargs={"X": "arg"})
            check(next(line["aux"]["ID"] for line in lines if "aux" in line) == image, f"of an address: {lines}")
        files["Dockerfile"] = f"FROM {SLIM}\nRUN exit 3\n"
        failed = api.call("POST", "/build", tar_of(files), 200, "application/x-tar")[-1]
        check(failed["errorDetail"] == {"code": 3, "message": "The command '/bin/sh -c exit 3' returned a non-zero code: 3"}, f"{failed}")
        # Limits are those of the steps' containers. A proxy that is given twice is what each of its names says.
        steps = ['test "$FTP_PROXY $ftp_proxy $NO_PROXY" = "A b c"',
                 "cd /sys/fs/cgroup; cat memory.max cpu.max memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us || :"]
        files["Dockerfile"] = f"FROM {SLIM}\n" + "".join(f"RUN {step}\n" for step in steps)
        limited = api.call("POST", "/build", tar_of(files), 200, "application/x-tar", memory=64 << 20, memswap=64 << 20, cpuquota=25000, nocache=1,
                           buildargs={"FTP_PROXY": "A", "ftp_proxy": "b", "no_proxy": "c"})
        text = "".join(line.get("stream", "") for line in limited)
        check("67108864" in text and "25000" in text, text)
        refused = api.call("POST", "/build", tar_of(files), 400, "application/x-tar", memory=1)
        check(refused["message"] == "Minimum memory limit allowed is 6MB", f"{refused}")
        files["Dockerfile"] = "FORM x\n"
        api.call("POST", "/build", tar_of(files), 400, "application/x-tar")
        api.call("POST", "/build", b"no tar", 500, "application/x-tar")
        archive = api.call("GET", "/images/get", status=200, names=["apib:1"])
        world.consort("image", "rm", "apib:1", "apib:2")
        loaded = api.call("POST", "/images/load", archive, 200, "application/x-tar")
        check(loaded == [{"stream": "Loaded image: apib:1\n"}], f"{loaded}")
        check(api.call("GET", f"/images/{quote('apib:1')}/json", status=200)["Config"]["Labels"].get("l") == "v", "its label")
        imported = api.call("POST", "/images/create", tar_of({"f": "x"}), 200, "application/x-tar", fromSrc="-", repo="apii", tag="1", changes=["CMD /f"])
        check(imported[-1]["status"].startswith("sha256:"), f"{imported}")
        # What cannot be had, or is cut short, is no image.
        api.call("POST", "/images/create", status=500, fromSrc="http://127.0.0.1:1/x", repo="apiu", tag="1")
        with cut_short(tar_of({"f": "x"}), 1024) as address:  # after a file, where an archive could end
            answer = api.call("POST", "/images/create", fromSrc=address, repo="apiu", tag="1")
            check(b"sha256:" not in json.dumps(answer).encode(), f"{answer}")
        api.call("GET", "/images/apiu:1/json", status=404)
        # Of the build cache as much stays as was asked for.
        api.call("POST", "/images/prune", status=200)
        size = lambda: sum(record["Size"] for record in api.call("GET", "/system/df", status=200)["BuildCache"])
        before = size()
        for enough in ({"keep-storage": 1 << 40}, {"reserved-space": 1 << 40}, {"max-used-space": 1 << 40}, {"min-free-space": 1}):
            api.call("POST", "/build/prune", status=200, **enough)
            check(size() == before > 0, f"{enough}: {size()} of {before}")
        api.call("POST", "/build/prune", status=200, **{"reserved-space": 1})
        check(size() == 0, f"{size()}")
        api.call("GET", "/images/nope/get", status=404)
        refused = api.call("POST", "/images/nope/push", status=200)
        check(refused[-1]["error"] == "An image does not exist locally with the tag: nope", f"{refused}")
        name = f"{world.registry.address}/apib"
        api.call("POST", "/images/apib:1/tag", status=201, repo=name, tag="1")
        pushed = api.call("POST", f"/images/{name}/push", status=200, tag="1")
        digest = pushed[-1]["aux"]["Digest"]
        check(any(line.get("status") in ("Pushed", "Mounted", "Layer already exists") for line in pushed) and digest.startswith("sha256:"), f"{pushed}")
        remote = api.call("GET", f"/distribution/{name}:1/json", status=200)
        check(remote["Descriptor"]["digest"] == digest and remote["Platforms"][0]["os"] == "linux", f"{remote}")
        api.call("DELETE", f"/images/{name}:1", status=200)
        pulled = api.call("POST", "/images/create", status=200, fromImage=name, tag="1")
        check(pulled[0] == {"status": "Pulling from apib", "id": "1"} and {"status": f"Digest: {digest}"} in pulled, f"{pulled}")
        api.call("POST", "/images/create", status=404, fromImage=name, tag="none")
    world.consort("image", "rm", "apib:1", "apii:1", name + ":1")
