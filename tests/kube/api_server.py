"""A stand-in for the API server of Kubernetes and its controllers, as far as a project's verbs use them.

Objects are kept as they were applied. Deployments, StatefulSets, DaemonSets and Jobs get pods, which become ready step by step. An image
called nowhere/... cannot be pulled; one called sick/... is never healthy; a command that is ["false"] fails. Commands of `exec` and of pods that `run` makes are run here, for real.
What is answered has the form and the order in which Kubernetes 1.20 answered: what is deleted stays for a while with a deletionTimestamp and
changes now and then, a namespace that goes takes its content along and no new one, and the end of a command's input cannot be told.
"""
import base64
import copy
import hashlib
import http.server
import json
import os
import re
import socket
import struct
import subprocess
import threading
import urllib.parse

KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job", "cronjobs": "CronJob",
         "services": "Service", "ingresses": "Ingress", "httproutes": "HTTPRoute",
         "configmaps": "ConfigMap", "networkpolicies": "NetworkPolicy", "secrets": "Secret", "persistentvolumeclaims": "PersistentVolumeClaim", "pods": "Pod",
         "events": "Event", "namespaces": "Namespace"}
PATH = re.compile(r"^/(?:api/v1|apis/(?:apps|batch|(?:gateway.)?networking.k8s.io)/v1)(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?$")
NOW = "2026-01-01T00:00:00Z"


class Store:
    def __init__(self):
        self.changed = threading.Condition()
        self.version = 1
        self.objects = {}  # (namespace, plural, name): object
        self.applied = {}  # the same keys: the object as last applied
        self.merged = {}   # the same keys: fields set by other requests
        self.history = []  # (version, type, key, object)
        self.quota = {}    # namespace: the maximum number of pods
        self.processes = {}  # of pods created by `run`, by uid
        self.serial = 0
        self.requests = []
        self.other = "consort"  # the manager of the fields in merged
        self.fails = ["false"]  # the command that fails
        self.goes_on = ["work"]  # that does not end
        self.stays = False  # pods that are to go do so only when somebody asks for the end of all of them
        self.refused = {}  # (method, path): the status that is answered instead
        self.still = False  # pods stay what they are
        self.parting = "restart"  # what becomes of a container that was attached to; or "end", "remove"
        self.unreached = []  # what the node says of the next ports that are forwarded, as nothing listens there
        self.ended = []  # the same, but only once it has been asked something
        self.asked = []  # the first line of each request to a port
        self.stuck = set()  # StatefulSets that have found a name taken: they will try again, but not soon

    def put(self, key, value, kind):
        self.version += 1
        value["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = value
        self.history.append((self.version, kind, key, copy.deepcopy(value)))
        self.changed.notify_all()

    def remove(self, key):
        value = copy.deepcopy(self.objects.pop(key))
        self.applied.pop(key, None)
        self.version += 1
        value["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, "DELETED", key, value))
        self.changed.notify_all()

    # Pods, claims and namespaces are removed step by step.
    def ask_to_go(self, key):
        if key[1] not in ("pods", "persistentvolumeclaims", "namespaces"):
            return self.remove(key)
        value = copy.deepcopy(self.objects[key])
        if "deletionTimestamp" not in value["metadata"]:
            value["metadata"]["deletionTimestamp"] = NOW
            self.put(key, value, "MODIFIED")

    def step_away(self, key, value):
        if "deletionTimestamp" not in value["metadata"]:
            return False
        if key[1] == "namespaces":
            inside = [other for other in self.objects if other[0] == key[2]]
            if not inside:
                self.remove(key)
                return True
            going = [other for other in inside if "deletionTimestamp" not in self.objects[other]["metadata"]]
            for other in going:
                self.ask_to_go(other)
            return bool(going)
        if key[1] == "pods" and self.stays:
            return False
        if key[1] == "persistentvolumeclaims" and any(other[:2] == (key[0], "pods") for other in self.objects):
            return False
        steps = value.setdefault("steps", 0)
        if steps == 2:
            self.remove(key)
            return True
        value = copy.deepcopy(value)
        value["steps"] += 1
        self.put(key, value, "MODIFIED")
        return True

    def of(self, space, plural, selector=""):
        wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
        return [value for (where, what, _), value in sorted(self.objects.items()) if what == plural and space in (None, where)
                and wanted.items() <= value["metadata"].get("labels", {}).items()]

    # Runs one step of the controllers and kubelets; returns whether there was one.
    def step(self):
        for (space, plural, name), owner in list(self.objects.items()):
            if plural in ("deployments", "statefulsets", "daemonsets", "jobs"):
                if self.step_owner(space, plural, name, owner):
                    return True
            if plural == "cronjobs" and self.step_cron_job(space, name, owner):
                return True
        for key, value in list(self.objects.items()):
            if self.step_away(key, value):
                return True
            if key[1] != "pods" or "deletionTimestamp" in value["metadata"]:
                continue
            if "owner" not in value["metadata"]:
                if self.step_run(key, value):
                    return True
                continue
            owner = self.objects.get(value["metadata"]["owner"])
            if not owner or owner["metadata"].get("uid") != value["metadata"]["owner_uid"]:
                self.ask_to_go(key)
                return True
            if self.step_pod(key, value):
                return True
        return False

    # Due exactly once.
    def step_cron_job(self, space, name, owner):
        if "status" in owner:
            return False
        owner = copy.deepcopy(owner)
        owner["status"] = {"lastScheduleTime": NOW}
        self.put((space, "cronjobs", name), owner, "MODIFIED")
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"{name}-29", "namespace": space, "uid": f"{name}-29"}, **copy.deepcopy(owner["spec"]["jobTemplate"])}
        self.put((space, "jobs", f"{name}-29"), job, "ADDED")
        return True

    # A pod without a controller; its process runs on this host.
    def step_run(self, key, pod):
        uid = pod["metadata"]["uid"]
        main = pod["spec"]["containers"][0]
        process = self.processes.get(uid)
        code = process.poll() if process else None
        if process and code is None or pod["status"].get("phase") in ("Succeeded", "Failed"):
            return False
        pod = copy.deepcopy(pod)
        status = dict(name=main["name"], ready=True, restartCount=0)
        if not process:
            plain = lambda text: text.replace("$$", "$")  # $(NAME) is Kubernetes's own syntax
            variables = {each["name"]: plain(each["value"]) for each in main.get("env", [])}
            process = self.processes[uid] = subprocess.Popen(
                [plain(word) for word in main.get("command", []) + main.get("args", [])], env={**os.environ, **variables}, stderr=subprocess.STDOUT,
                stdout=subprocess.PIPE, stdin=subprocess.PIPE if main.get("stdin") else subprocess.DEVNULL)
            process.output = b""
            threading.Thread(target=self.gather, args=(process,), daemon=True).start()
            status["state"] = {"running": {"startedAt": NOW}}
            pod["status"] = {"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": [status]}
        elif not process.stdout.closed:
            return False
        else:
            status["state"] = {"terminated": {"exitCode": code}}
            pod["status"] = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [status]}
        self.put(key, pod, "MODIFIED")
        return True

    def gather(self, process):
        for line in process.stdout:
            with self.changed:
                process.output += line
                self.changed.notify_all()
        process.wait()
        with self.changed:
            process.stdout.close()
            self.changed.notify_all()

    def step_owner(self, space, plural, name, owner):
        uid = owner["metadata"].get("uid")
        mine = [pod for pod in self.of(space, "pods")
                if pod["metadata"].get("owner") == (space, plural, name) and pod["metadata"]["owner_uid"] == uid]
        if any("deletionTimestamp" in pod["metadata"] for pod in mine):
            return False
        template = owner["spec"]["template"]
        wanted = owner["spec"].get("replicas", 1)
        for pod in mine:
            if pod["template"] != template:
                self.ask_to_go((space, "pods", pod["metadata"]["name"]))
                return True
        if len(mine) > wanted:
            self.ask_to_go((space, "pods", mine[-1]["metadata"]["name"]))
            return True
        if len(mine) >= wanted:
            return False
        if len(self.of(space, "pods")) >= self.quota.get(space, 100):
            return self.refuse(space, name)
        if plural == "statefulsets" and any((space, "pods", f"{name}-{i}") in self.objects for i in range(wanted) if not mine):
            self.stuck.add(uid)
        if uid in self.stuck:
            return False
        self.serial += 1
        names = [pod["metadata"]["name"] for pod in mine]
        stable = next(f"{name}-{i}" for i in range(wanted) if f"{name}-{i}" not in names)
        pod_name = stable if plural == "statefulsets" else f"{name}-{self.serial}"
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": copy.deepcopy(template["spec"]), "status": {"phase": "Pending"},
               "metadata": {"name": pod_name, "namespace": space, "uid": str(self.serial), "creationTimestamp": NOW,
                            "labels": template["metadata"]["labels"], "owner": (space, plural, name), "owner_uid": uid,
                            "ownerReferences": [{"kind": "ReplicaSet" if plural == "deployments" else KINDS[plural], "name": name}]},
               "template": copy.deepcopy(template)}
        self.put((space, "pods", pod_name), pod, "ADDED")
        return True

    def refuse(self, space, name):
        key = (space, "events", f"{name}.refused")
        if key in self.objects:
            return False
        self.put(key, {"kind": "Event", "apiVersion": "v1", "metadata": {"name": key[2], "namespace": space}, "type": "Warning",
                       "reason": "FailedCreate", "lastTimestamp": NOW, "involvedObject": {"kind": "ReplicaSet", "name": f"{name}-5f"},
                       "message": f'(combined from similar events): Error creating: pods "{name}-5f-x2" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'},
                 "ADDED")
        return True

    def step_pod(self, key, pod):
        if self.still:
            return False
        main = pod["spec"]["containers"][0]
        status = pod["status"].get("containerStatuses", [{}])[0]
        state = status.get("state", {})
        new = dict(name=main["name"], ready=False, restartCount=0)
        phase = "Running"
        if not state:
            if main["image"].startswith("nowhere/"):
                phase = "Pending"
                new["state"] = {"waiting": {"reason": "ErrImagePull", "message": f"pull of {main['image']}: no such host"}}
            else:
                new["state"] = {"running": {"startedAt": NOW}}
                new["ready"] = "readinessProbe" not in main
        elif state.get("waiting", {}).get("reason") == "ErrImagePull":
            phase = "Pending"
            new["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}
        elif "running" in state and pod["metadata"]["owner"][1] == "jobs" and main.get("args") != self.goes_on:
            code = 1 if main.get("args") == self.fails else 0
            phase = "Failed" if code else "Succeeded"
            job = copy.deepcopy(self.objects[pod["metadata"]["owner"]])
            job["status"] = {"conditions": [{"type": "Failed" if code else "Complete", "status": "True"}]}
            self.put(pod["metadata"]["owner"], job, "MODIFIED")
            new["state"] = {"terminated": {"exitCode": code}}
        elif main["image"].startswith("sick/"):
            event = (key[0], "events", f"{key[2]}.sick")
            if event in self.objects:
                return False
            self.put(event, {"metadata": {"name": event[2], "namespace": key[0]}, "involvedObject": {"kind": "Pod", "name": key[2]},
                             "type": "Warning", "reason": "Unhealthy", "message": "Readiness probe failed: no pulse", "lastTimestamp": NOW, "count": 3}, "ADDED")
            return True
        elif "running" in state and not status["ready"]:
            new["state"], new["ready"] = state, True
        else:
            return False
        pod = copy.deepcopy(pod)
        pod["status"] = {"phase": phase, "podIP": "10.0.0.1", "containerStatuses": [new]}
        self.put(key, pod, "MODIFIED")
        return True

    def end_container(self, key):
        with self.changed:
            if self.parting == "remove":
                return self.remove(key)
            pod = copy.deepcopy(self.objects[key])
            status = pod["status"]["containerStatuses"][0]
            if self.parting == "end":
                status.update(ready=False, state={"terminated": {"exitCode": 3}})
                return self.put(key, pod, "MODIFIED")
            status.update(restartCount=status["restartCount"] + 1, lastState={"terminated": {"exitCode": 7}})
            self.put(key, pod, "MODIFIED")

    def control(self):
        while True:
            with self.changed:
                if not self.step():
                    self.changed.wait()


def merge(target, patch):
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None

    def setup(self):
        super().setup()
        self.writing = threading.Lock()

    def log_message(self, *_):
        pass

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, code, message):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code})

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        self.store.requests.append((self.command, self.path))
        if self.headers.get("Authorization") != "Bearer secret":
            return self.fail(401, "Unauthorized")
        if code := self.store.refused.get((self.command, url.path)):
            return self.fail(code, "not now")
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        if url.path == "/version":
            return self.answer(200, {"major": "1", "minor": "20", "gitVersion": "v1.20.2"})
        if url.path == "/apis/batch/v1":
            return self.answer(200, {"kind": "APIResourceList", "resources": [{"name": "cronjobs", "kind": "CronJob"}, {"name": "jobs", "kind": "Job"}]})
        if url.path == "/api/v1/namespaces" and self.command == "GET":
            return self.list("", "namespaces", query)
        if space := re.match(r"^/api/v1/namespaces(?:/([^/]+))?$", url.path):
            return self.one(("", "namespaces", space.group(1) or body["metadata"]["name"]), query, body)
        found = PATH.match(url.path)
        if not found or found.group(2) not in KINDS:
            return self.fail(404, "the server could not find the requested resource")
        space, plural, name, below = found.groups()
        if below == "log":
            return self.log(name, query)
        if below in ("exec", "portforward", "attach"):
            return self.stream(below, query, (space, plural, name))
        if name:
            return self.one((space, plural, name), query, body)
        if self.command == "POST":
            return self.make(space, plural, body)
        if self.command == "DELETE":
            with self.store.changed:
                self.store.stays = self.store.stays and plural != "pods"
                self.store.changed.notify_all()
                for each in self.store.of(space, plural, query.get("labelSelector", [""])[0]):
                    self.store.ask_to_go((space, plural, each["metadata"]["name"]))
            return self.answer(200, {"kind": "Status", "status": "Success"})
        return self.list(space, plural, query)

    def list(self, space, plural, query):
        if "watch" in query:
            return self.watch(space, plural, query)
        chosen = query.get("fieldSelector", [""])[0]
        with self.store.changed:
            items = copy.deepcopy(self.store.of(space, plural, query.get("labelSelector", [""])[0]))
            if chosen.startswith("metadata.name="):
                items = [each for each in items if each["metadata"]["name"] == chosen[14:]]
            for item in items:  # a list has these only once
                item.pop("apiVersion", None), item.pop("kind", None)
            self.answer(200, {"kind": KINDS[plural] + "List", "metadata": {"resourceVersion": str(self.store.version)}, "items": items})

    def make(self, space, plural, body):
        with self.store.changed:
            if self.is_going(space):
                return
            self.store.serial += 1
            body["metadata"].update(namespace=space, uid=str(self.store.serial), creationTimestamp=NOW)
            body.setdefault("status", {"phase": "Pending"})
            self.store.put((space, plural, body["metadata"]["name"]), body, "ADDED")
            self.answer(201, body)

    def is_going(self, space):
        there = self.store.objects.get(("", "namespaces", space))
        if not there or "deletionTimestamp" not in there["metadata"]:
            return False
        self.fail(403, f"forbidden: unable to create new content in namespace {space} because it is being terminated")
        return True

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any

    def one(self, key, query, body):
        store = self.store
        with store.changed:
            there = store.objects.get(key)
            if self.command == "GET":
                return self.answer(200, there) if there else self.fail(404, f'{key[1]} "{key[2]}" not found')
            if self.command == "DELETE":
                if not there:
                    return self.fail(404, f'{key[1]} "{key[2]}" not found')
                store.ask_to_go(key)
                return self.answer(200, {"kind": "Status", "status": "Success"})
            if self.command == "PATCH" and not there and self.is_going(key[0]):
                return
            if self.command == "PATCH" and key[1] != "namespaces" and ("", "namespaces", key[0]) not in store.objects:
                return self.fail(404, f'namespaces "{key[0]}" not found')
            if "merge-patch" in self.headers["Content-Type"]:
                value = copy.deepcopy(there)
                merge(value, body)
                store.merged.setdefault(key, {})["replicas"] = value["spec"].get("replicas")
                store.put(key, value, "MODIFIED")
                return self.answer(200, value)
            if "apply-patch" in self.headers["Content-Type"] and store.applied.get(key) == body and there and key not in store.merged:
                return self.answer(200, there)
            others = store.merged.get(key, {})
            if there and others.get("replicas") not in (None, body["spec"].get("replicas")) and query["force"] == ["false"]:
                return self.answer(409, {"kind": "Status", "status": "Failure", "code": 409, "message": "Apply failed with 1 conflict",
                                         "details": {"causes": [{"reason": "FieldManagerConflict", "field": ".spec.replicas",
                                                                 "message": f'conflict with "{store.other}" using apps/v1'}]}})
            value = copy.deepcopy(body)
            headless = [key[1] == "services" and each and each["spec"].get("clusterIP") == "None" for each in (there, body)]
            if there and headless == [False, True]:
                return self.fail(422, f'Service "{key[2]}" is invalid: spec.clusterIP: Invalid value: "None": field is immutable')
            if headless == [True, False]:  # nothing reports that the change has no effect
                value["spec"]["clusterIP"] = "None"
            store.serial += 1
            value["metadata"]["uid"] = there["metadata"].get("uid") if there else str(store.serial)
            if self.command == "POST" and there:
                return self.fail(409, f'{key[1]} "{key[2]}" already exists')
            if "dryRun" in query:
                return self.answer(200 if there else 201, value)
            if there and "deletionTimestamp" in there["metadata"]:  # it accepts the change, but disappears anyway
                value["metadata"]["deletionTimestamp"] = NOW
            store.merged.pop(key, None)
            store.applied[key] = body
            store.put(key, value, "ADDED")
            return self.answer(200 if there else 201, value)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def watch(self, space, plural, query):
        version = int(query["resourceVersion"][0])
        wanted = dict(part.split("=", 1) for part in query.get("labelSelector", [""])[0].split(",") if part)
        chosen = query.get("fieldSelector", [""])[0]
        fits = lambda value: wanted.items() <= value["metadata"].get("labels", {}).items() and (
            not chosen.startswith("metadata.name=") or value["metadata"]["name"] == chosen[14:])
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with self.store.changed:
            while True:
                for at, kind, key, value in self.store.history:
                    if at > version and key[:2] == (space, plural) and fits(value):
                        self.chunk(json.dumps({"type": kind, "object": value}).encode() + b"\n")
                        version = at
                if not self.store.changed.wait(int(query["timeoutSeconds"][0])):
                    break
        self.chunk(b"")

    def log(self, name, query):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        mine = [value for key, value in self.store.objects.items() if key[1:] == ("pods", name) and "owner" not in value["metadata"]]
        if mine:
            process, sent = self.store.processes[mine[0]["metadata"]["uid"]], 0
            with self.store.changed:
                while sent < len(process.output) or not process.stdout.closed:
                    if sent < len(process.output):
                        self.chunk(process.output[sent:])
                        sent = len(process.output)
                    else:
                        self.store.changed.wait()
            return self.chunk(b"")
        for line in ("first", "second"):
            stamp = f"{NOW[:-1]}.5Z " if "timestamps" in query else ""
            self.chunk(f"{stamp}{name} says {line}\n".encode())
        self.chunk(b"")

    def frame(self, channel, payload):
        data = bytes([channel]) + payload
        head = bytes([0x82, len(data)]) if len(data) < 126 else bytes([0x82, 126]) + struct.pack(">H", len(data))
        with self.writing:
            self.wfile.write(head + data)
            self.wfile.flush()

    def message(self):
        first, length = self.rfile.read(2)
        length &= 0x7F
        if length == 126:
            length, = struct.unpack(">H", self.rfile.read(2))
        mask = self.rfile.read(4)
        whole = (mask * (length // 4 + 1))[:length]
        data = int.from_bytes(self.rfile.read(length), "big") ^ int.from_bytes(whole, "big")
        return first & 0x0F, data.to_bytes(length, "big")

    # Passes input frames to a process; any other message, or the end of the connection, ends that.
    def feed(self, process):
        try:
            while True:
                kind, data = self.message()
                if kind == 8:
                    break
                if data[:1] == b"\0":
                    process.stdin.write(data[1:])
                    process.stdin.flush()
        except (OSError, struct.error, ValueError):
            pass

    def run(self, command, typed):
        process = subprocess.Popen(command, stdin=subprocess.PIPE if typed else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        if typed:
            threading.Thread(target=self.feed, args=(process,), daemon=True).start()
        errors = threading.Thread(target=lambda: [self.frame(2, line) for line in process.stderr])
        errors.start()
        while data := process.stdout.read1(8192):
            self.frame(1, data)
        errors.join()
        code = process.wait()
        process.stdout.close()
        process.stderr.close()
        return {"metadata": {}, "status": "Success"} if not code else {
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": f"command terminated with exit code {code}",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}

    def stream(self, what, query, key):
        self.close_connection = True
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Protocol", "v4.channel.k8s.io"),
                            ("Sec-WebSocket-Accept", base64.b64encode(accept).decode())):
            self.send_header(name, value)
        self.end_headers()
        if what == "portforward":
            port = struct.pack("<H", int(query["ports"][0]))
            self.frame(0, port)
            self.frame(1, port)
            if self.store.unreached:
                self.frame(1, self.store.unreached.pop().encode())
                self.wfile.write(b"\x88\x00")
                return
            _, data = self.message()
            line = data[1:].split(b"\r\n")[0]
            self.store.asked.append(line.decode())
            if self.store.ended:
                self.frame(1, self.store.ended.pop().encode())
                self.wfile.write(b"\x88\x00")
                return
            self.frame(0, b"HTTP/1.0 200 OK\r\n\r\nyou said " + line)
            return
        if what == "attach" and "owner" in self.store.objects[key]["metadata"]:
            self.frame(1, b"last words\n")
            self.wfile.write(b"\x88\x00")  # the container's end shows in its pod a little later
            return self.store.end_container(key)
        if what == "attach":
            process = self.store.processes[self.store.objects[key]["metadata"]["uid"]]
            self.feed(process)
            process.stdin.close()  # stdinOnce: ends with the first attached client
            return
        self.frame(3, json.dumps(self.run(query["command"], "stdin" in query)).encode())
        self.wfile.write(b"\x88\x00")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # small buffers fill up quickly
            self.socket.setsockopt(socket.SOL_SOCKET, buffer, 65536)
        super().server_bind()

    def handle_error(self, *_):
        """Ignores clients that close a watch early."""


def serve():
    """Starts a server; returns its address and its store."""
    store = Store()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"store": store}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=store.control, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}", store
