#!/usr/bin/env python3
"""The verbs of a project on a cluster, against api_server.py: verbs.py CONSORT"""
import base64
import contextlib
import datetime
import http.client
import http.server
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import api_server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from ports import free_port  # noqa: E402

CONSORT = os.path.abspath(sys.argv.pop(1))
FILE = """name: shop
services:
  db:
    image: db
    environment: {DB_PASSWORD: secret}
    volumes: [data:/data]
    healthcheck: {test: ok, interval: 1s}
    ports: ["PORT:80"]
  migrate: {image: migrate, depends_on: {db: {condition: service_healthy}}}
  web:
    image: web
    deploy: {replicas: 2}
    depends_on: {migrate: {condition: service_completed_successfully}}
volumes: {data: }
"""


def has_ipv6():
    with socket.socket(socket.AF_INET6) as any_port:
        try:
            any_port.bind(("::1", 0))
            return True
        except OSError:
            return False


class Registry(http.server.BaseHTTPRequestHandler):
    """Has the manifests of some images, and accepts no pushes."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, **headers):
        self.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_HEAD(self):
        if self.path == "/v2/":
            return self.answer(200)
        name = self.path.removeprefix("/v2/").split("/manifests/")[0]
        if name not in self.server.images:
            return self.answer(403)
        self.answer(200, Docker_Content_Digest=f"sha256:{name.encode().hex():0<64}", Content_Type="application/vnd.oci.image.manifest.v1+json")

    do_GET = do_POST = do_PUT = do_PATCH = do_HEAD


class Verbs(unittest.TestCase):
    def setUp(self):
        self.address, self.store = api_server.serve()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.port = free_port()
        (self.folder / "compose.yaml").write_text(FILE.replace("PORT", str(self.port)))
        (self.folder / "kubeconfig").write_text(json.dumps({
            "current-context": "test", "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.address}}], "users": [{"name": "u", "user": {"token": "secret"}}]}))
        self.environment = dict(os.environ, KUBECONFIG=str(self.folder / "kubeconfig"), CONSORT_ON="kubernetes", HOME=folder.name,
                                CONSORT_DATA_ROOT=f"{folder.name}/data", CONSORT_RUN_ROOT=f"{folder.name}/run")

    def consort(self, *words, code=0, input=""):
        ran = subprocess.run([CONSORT, *words], cwd=self.folder, env=self.environment, input=input, capture_output=True, text=True,
                             timeout=120)
        self.assertEqual(ran.returncode, code, f"{words}: {ran.stdout}{ran.stderr}")
        return ran

    def wait_for(self, condition):
        with self.store.changed:
            self.assertTrue(self.store.changed.wait_for(condition, timeout=60))

    def until(self, condition):
        limit = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)

    def names(self, plural):
        with self.store.changed:
            return sorted(name for (_, what, name) in self.store.objects if what == plural)

    def test_the_file_says_where_also_when_it_is_piped(self):
        del self.environment["CONSORT_ON"]
        text = (self.folder / "compose.yaml").read_text() + "x-consort: {on: kubernetes}\n"
        self.consort("-f", "-", "up", "-d", input=text)
        self.assertEqual(self.names("statefulsets"), ["db"])
        (self.folder / "compose.yaml").write_text(text)
        rows = [json.loads(line) for line in self.consort("ps", "--format", "json").stdout.splitlines()]
        self.assertEqual([row["Service"] for row in rows], ["db", "web", "web"])

    def test_up_orders_settles_and_down_leaves_only_data(self):
        first = " ".join(self.consort("up", "-d").stderr.split())
        order = [first.index(name) for name in ("StatefulSet db", "Pod db-0 Healthy", "Job migrate-", "Deployment web")]
        self.assertEqual(order, sorted(order), first)
        self.assertEqual(self.names("statefulsets"), ["db"])
        self.assertEqual(len(self.names("pods")), 4)
        with self.store.changed:
            version, asked = self.store.version, len(self.store.requests)
        again = self.consort("up", "-d", "--wait").stderr
        self.assertEqual(self.store.version, version, again)  # nothing was changed
        self.assertFalse([path for verb, path in self.store.requests[asked:] if verb != "GET"])  # nor requested

        rows = [json.loads(line) for line in self.consort("ps", "--format", "json").stdout.splitlines()]
        self.assertEqual([row["Service"] for row in rows], ["db", "web", "web"])
        self.assertEqual(rows[0]["Health"], "healthy")
        self.assertIn("shop", self.consort("ls").stdout)

        # Objects that are no longer in the file are removed, except for data.
        text = (self.folder / "compose.yaml").read_text()
        (self.folder / "compose.yaml").write_text(text.replace("DB_PASSWORD: secret", "DB_PASSWORD: other"))
        secrets = self.names("secrets")
        self.consort("up", "-d")
        self.assertEqual(len(self.names("secrets")), 1)
        self.assertNotEqual(self.names("secrets"), secrets)

        self.consort("scale", "web=3")
        self.assertEqual(sum(name.startswith("web-") for name in self.names("pods")), 3)
        self.consort("stop", "web")
        self.assertFalse(any(name.startswith("web-") for name in self.names("pods")))
        self.consort("start", "web")
        self.consort("stop", "web")
        self.consort("up", "-d")  # our own changes are not a conflict
        self.assertEqual(sum(name.startswith("web-") for name in self.names("pods")), 2)
        self.consort("stop", "web")
        self.store.other = "somebody"
        self.assertIn("--force-conflicts", self.consort("up", "-d", code=1).stderr)
        self.consort("up", "-d", "--force-conflicts")
        before = self.names("pods")
        self.consort("restart", "web")
        self.assertFalse(set(before) & set(self.names("pods")) - {"db-0"} - {name for name in before if name.startswith("migrate-")})

        self.consort("down")
        self.assertEqual((self.names("pods"), self.names("services"), self.names("secrets")), ([], [], []))
        self.assertEqual(self.names("persistentvolumeclaims"), ["shop-data"])
        text = (self.folder / "compose.yaml").read_text()
        (self.folder / "compose.yaml").write_text(text.replace("replicas: 2", "replicas: 3"))
        self.consort("up", "-d")
        (self.folder / "compose.yaml").write_text(text)
        with self.store.changed:
            version = self.store.version
        tried = self.consort("--dry-run", "up", "-d")
        self.assertIn("Deployment web .spec.replicas: 3 -> 2\n", tried.stdout, tried.stderr)
        self.assertNotIn("StatefulSet db .", tried.stdout)
        self.assertEqual(self.store.version, version)
        gone = [line for line in self.consort("down", "-v").stderr.splitlines() if line.endswith("Removed")]
        self.assertEqual(len(gone), len(set(gone)), gone)
        self.assertEqual((self.names("persistentvolumeclaims"), self.names("namespaces")), ([], []))

    def test_what_cannot_start_is_told_with_its_reason_and_line(self):
        (self.folder / "compose.yaml").write_text("services:\n  web: {image: nowhere/web}\n")
        ran = self.consort("up", "-d", code=1)
        self.assertIn("pull of nowhere/web: no such host", ran.stderr)
        self.assertIn("compose.yaml:2:", ran.stderr)
        (self.folder / "compose.yaml").write_text("services:\n  web: {image: web, command: [\"false\"], restart: \"no\"}\n  x: {image: x, "
                                                  "depends_on: {web: {condition: service_completed_successfully}}}\n")
        ran = self.consort("up", "-d", code=1)
        self.assertIn("exited with code 1", ran.stderr)
        self.assertIn("says second", ran.stderr)

    def test_what_is_unhealthy_is_told_when_its_check_has_failed_often_enough(self):
        # Not only when each of three checks may have hung for half a minute.
        (self.folder / "compose.yaml").write_text("services:\n  db: {image: sick/db, healthcheck: {test: ok, interval: 100ms, retries: 3}}\n")
        begin = time.monotonic()
        self.assertIn("it is unhealthy: Readiness probe failed: no pulse", self.consort("up", "-d", "--wait", code=1).stderr)
        self.assertLess(time.monotonic() - begin, 60)  # of 120 that they may take

    def test_dry_run_changes_nothing_and_what_is_not_there_is_refused(self):
        self.consort("--dry-run", "up", "-d")
        self.assertFalse(self.store.objects)
        self.assertIn("unknown place", self.consort("--on", "moon", "ps", code=1).stderr)
        # Nor is a flag dropped in silence.
        self.assertIn("up --timeout has no effect on Kubernetes", self.consort("--dry-run", "up", "-d", "-t", "5").stderr)
        self.assertIn("up --exit-code-from is not supported on Kubernetes", self.consort("up", "--exit-code-from", "db", code=1).stderr)
        (self.folder / "kubeconfig").write_text((self.folder / "kubeconfig").read_text().replace(self.address, f"http://127.0.0.1:{free_port()}"))
        self.assertIn("is the cluster running", self.consort("ps", code=1).stderr)
        self.environment["KUBECONFIG"] = "/nowhere"
        self.assertIn("find a Kubernetes cluster", self.consort("ps", code=1).stderr)

    def test_what_is_going_is_waited_for(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web}\n")
        self.consort("up", "-d")
        with self.store.changed:  # as after an interrupted `down -v`
            self.store.ask_to_go(("", "namespaces", "shop"))
        self.consort("up", "-d")
        self.assertEqual(len(self.names("pods")), 1)
        self.consort("down", "-v")
        self.assertFalse(self.names("namespaces"))

    def test_what_an_interruption_has_left_is_made_anew(self):
        self.consort("up", "-d")
        with self.store.changed:  # `down -v`, interrupted while the claim was still in use
            for plural in ("statefulsets", "deployments", "jobs", "services", "pods", "persistentvolumeclaims"):
                for name in [key[2] for key in self.store.objects if key[1] == plural]:
                    self.store.ask_to_go(("shop", plural, name))
        self.consort("up", "-d")
        with self.store.changed:
            self.assertNotIn("deletionTimestamp", self.store.objects["shop", "persistentvolumeclaims", "shop-data"]["metadata"])
        # `down`, interrupted when the StatefulSet was gone but its pod was not.
        with self.store.changed:
            self.store.stays = True
            self.store.remove(("shop", "statefulsets", "db"))
        self.consort("up", "-d")
        self.assertIn("db-0", self.names("pods"))
        # A job that failed because its dependencies were removed is run again.
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  j: {image: j, command: [\"false\"]}\n"
                                                  "  x: {image: x, depends_on: {j: {condition: service_completed_successfully}}}\n")
        self.consort("up", "-d", code=1)
        self.store.fails = None
        jobs = self.names("jobs")
        self.consort("up", "-d", "--remove-orphans")
        self.assertEqual(self.names("jobs"), [name for name in jobs if name.startswith("j-")])

    def test_every_verb_works_or_says_what_to_do(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web, ports: [\"%d:80\"]}\n  w2: {image: w2}\n" % self.port)
        here = {"boot", "bridge", "build", "builder", "config", "container", "doctor", "image", "inspect", "job", "login", "logout", "network",
                "publish", "pull", "push", "runtime", "serve", "system", "alpha", "version"}
        refused = ("commit web", "create", "export web", "pause", "unpause")
        works = ("up -d", "ps", "logs", "images", "ls", "port web 80", "scale web=2", "exec -T web true", "run --rm -T web true", "cp web:/etc/hostname x",
                 "top web", "events --until 0s", "volumes", "restart web", "stop web", "start web", "kill -s HUP web", "kill web", "rm -f", "down")
        elsewhere = {"attach", "watch", "wait", "stats", "volume", "export"}  # tested elsewhere, or in a group of their own
        known = here | elsewhere | {line.split()[0] for line in refused + works}
        text = self.consort("--help").stdout.split("Options:")[0].split("Common commands:")[1]
        common, *groups = text.split("\n\n")
        listed = {line.split()[0] for line in common.splitlines() if line.startswith("  ")}
        listed |= {word for group in groups for line in group.splitlines() if line.startswith("  ") for word in line.strip(" ,").split(", ")}
        self.assertEqual(listed - known, set())
        self.assertLess({"up", "stop", "create", "doctor", "alpha", "serve"}, listed)  # the first and last of each group
        for line in works:
            self.consort(*line.split())
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
        self.consort("events", "--until", soon.isoformat())  # reached even if no event occurs
        for line in refused:
            self.assertRegex(self.consort(*line.split(), code=1).stderr, r"is not supported on Kubernetes: .+\n.+")
        self.assertFalse(self.names("deployments"))

    def test_a_job_that_was_killed_does_not_come_back(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web}\n  j: {image: j, command: [work], restart: \"no\"}\n")
        self.consort("up", "-d")
        jobs = self.names("jobs")
        self.consort("kill", "j")
        self.assertEqual(self.names("jobs"), [])
        self.assertFalse([name for name in self.names("pods") if name.startswith("j-")])
        self.assertEqual(self.names("deployments"), ["web"])
        self.consort("up", "-d")
        self.assertEqual(self.names("jobs"), jobs)

    def test_what_a_cron_job_has_started_is_killed_for_good(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web}\njobs:\n  j: {image: j, command: [work], "
                                                  "triggers: {schedule: [{cron: '* * * * *'}]}}\n")
        self.consort("up", "-d")
        runs = lambda: [name for name in self.names("pods") if name.startswith("j-")]
        self.until(lambda: runs() and "containerStatuses" in self.store.objects["shop", "pods", runs()[0]]["status"])
        self.consort("kill", "j")
        self.assertEqual((self.names("jobs"), runs(), self.names("cronjobs")), ([], [], ["j"]))

    def up_with_login(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: registry.invalid/web}\n  db: {image: db}\n")
        (self.folder / ".docker").mkdir()
        login = base64.b64encode(b"me:secret").decode()
        config = self.folder / ".docker" / "config.json"
        config.write_text(json.dumps({"auths": {"registry.invalid": {"auth": login}, "other.invalid": {"auth": login}}}))
        self.environment.pop("DOCKER_CONFIG", None)
        self.consort("up", "-d")
        return config, login

    def test_nodes_log_in_as_the_user_does(self):
        config, login = self.up_with_login()
        self.assertEqual(self.names("secrets"), ["shop-pull"])
        data = self.store.objects["shop", "secrets", "shop-pull"]["data"][".dockerconfigjson"]
        self.assertEqual(json.loads(base64.b64decode(data)), {"auths": {"registry.invalid": {"auth": login}}})
        spec = lambda name: self.store.objects["shop", "deployments", name]["spec"]["template"]["spec"]
        self.assertEqual(spec("web")["imagePullSecrets"], [{"name": "shop-pull"}])
        self.assertNotIn("imagePullSecrets", spec("db"))
        with self.store.changed:
            version = self.store.version
        config.unlink()  # another user, who has not logged in
        self.consort("up", "-d")
        config.write_text("{")
        self.assertIn("config.json", self.consort("up", "-d").stderr)
        self.assertEqual(self.store.version, version)

    def test_logins_that_cannot_be_read_stay(self):
        config, _ = self.up_with_login()
        config.unlink()
        with self.store.changed:
            version = self.store.version
        for code in (503, 403):
            self.store.refused["GET", "/api/v1/namespaces/shop/secrets/shop-pull"] = code
            self.assertIn("not now", self.consort("up", "-d", code=1).stderr)
        self.assertEqual(self.store.version, version)
        self.assertEqual(self.consort("run", "--rm", "-T", "db", "echo", "ran").stdout, "ran\n")

    def test_what_has_gone_while_up_waited_is_made_again(self):
        self.consort("up", "-d")
        text = (self.folder / "compose.yaml").read_text()
        (self.folder / "compose.yaml").write_text(text.replace("DB_PASSWORD: secret", "DB_PASSWORD: other"))
        with self.store.changed:
            self.store.still = True
            made = len(self.store.requests)
        up = subprocess.Popen([CONSORT, "up", "-d"], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.until(lambda: any(verb == "PATCH" and "/statefulsets/db" in path for verb, path in self.store.requests[made:]))
            with self.store.changed:
                self.store.remove(("shop", "deployments", "web"))
                self.store.still = False
                self.store.changed.notify_all()
        finally:
            told, _ = up.communicate(timeout=120)
        self.assertEqual(up.returncode, 0, told)
        self.assertIn("Deployment web  Created", told)
        self.assertEqual(self.names("deployments"), ["web"])

    def test_attach_ends_as_the_container_does(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices: {a: {image: a}, b: {image: b}, c: {image: c}}\n")
        self.consort("up", "-d")
        for service, self.store.parting, code in (("a", "restart", 7), ("b", "end", 3), ("c", "remove", 137)):
            self.assertEqual(self.consort("attach", service, code=code).stdout, "last words\n")

    @unittest.skipIf(os.geteuid(), "images are built for a cluster by root alone")
    def test_pods_keep_the_image_that_waits(self):
        registry = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Registry)
        registry.images = {"shop-web", "consort-wait"}
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        self.addCleanup(registry.server_close)
        self.addCleanup(registry.shutdown)
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  db: {image: db, healthcheck: {test: ok, interval: 1s}}\n"
                                                  "  web: {build: ., depends_on: {db: {condition: service_healthy}}}\n")
        self.environment["CONSORT_LIBEXEC"] = os.path.dirname(CONSORT)
        up = ("--registry", f"127.0.0.1:{registry.server_port}", "up", "-d", "--no-build")
        before = lambda: self.store.objects["shop", "deployments", "web"]["spec"]["template"]["spec"].get("initContainers")
        self.consort(*up)
        self.assertEqual([each["args"] for each in before()], [["db-is-ready"]])
        self.assertRegex(before()[0]["image"], "/consort-wait@sha256:")
        # The registry is unreachable or refuses the image: pods keep theirs, and are not recreated.
        registry.images = {"shop-web"}
        with self.store.changed:
            version = self.store.version
        self.consort(*up)
        self.assertEqual(self.store.version, version)
        self.consort("down")
        self.assertIn("pods will not wait for their dependencies", self.consort(*up).stderr)
        self.assertIsNone(before())

    def test_watch_copies_into_pods_and_removes(self):
        there = self.folder / "there"  # exec runs here
        (self.folder / "src").mkdir()
        (self.folder / "one.conf").write_text("1")
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web:\n    image: web\n    develop: {watch: [{path: src, action: sync, "
                                                  f"target: {there}}}, {{path: one.conf, action: sync, target: {self.folder}/one.there}}]}}\n")
        self.consort("up", "-d")
        watch = subprocess.Popen([CONSORT, "watch", "--no-up"], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        try:
            self.assertIn("Watch enabled", watch.stdout.readline())
            (self.folder / "src" / "a file").write_text("saved")
            self.assertIn("Syncing", watch.stdout.readline())
            self.until(lambda: (there / "a file").exists() and (there / "a file").read_text() == "saved")
            (self.folder / "src" / "a file").unlink()
            self.until(lambda: not (there / "a file").exists())
            (self.folder / "one.conf").write_text("2")
            self.until(lambda: (self.folder / "one.there").exists())
            (self.folder / "one.conf").unlink()
            self.until(lambda: not (self.folder / "one.there").exists())
            # If the watched directory is removed, the image's other files stay.
            (self.folder / "src" / "last").write_text("saved")
            self.until(lambda: (there / "last").exists())
            (there / "own").write_text("of the image")
            shutil.rmtree(self.folder / "src")
            self.until(lambda: not (there / "last").exists())
        finally:
            watch.send_signal(signal.SIGINT)
            text, _ = watch.communicate(timeout=120)
        self.assertEqual(watch.returncode, 130, text)
        self.assertTrue((there / "own").exists(), text)

    def test_pods_that_a_quota_refuses_are_told(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web, deploy: {replicas: 3}}\n")
        self.store.quota["shop"] = 2
        told = self.consort("up", "-d", code=1).stderr
        self.assertIn('start service "web": Error creating: pods', told)
        self.assertIn("exceeded quota: q", told)

    def test_ports_behind_an_ingress_or_a_gateway(self):
        text = "name: shop\nservices:\n  web: {image: web, ports: [\"%d:80\"]}\n" % self.port
        file = self.folder / "compose.yaml"
        for how, there in (("ingress", ("ingresses", "web")), ("gateway, gateway: main", ("httproutes", "web"))):
            file.write_text(text + f"x-consort: {{kubernetes: {{publish: {how}, host: shop.example}}}}\n")
            self.consort("up", "-d")
            self.assertEqual(self.names(there[0]), [there[1]])
            self.assertEqual(self.consort("port", "web", "80").stdout, f"127.0.0.1:{self.port}\n")
            with self.store.changed:
                version = self.store.version
            self.consort("up", "-d")
            self.assertEqual(self.store.version, version)
        self.assertEqual(self.names("ingresses"), [])  # they are no longer in the file
        # A user who may not list optional kinds of objects can still use the others.
        file.write_text(text)
        place = "/apis/%s/v1/namespaces/shop/%s"
        routes, ingresses = place % ("gateway.networking.k8s.io", "httproutes"), place % ("networking.k8s.io", "ingresses")
        self.store.refused = {("GET", routes): 403, ("GET", ingresses): 403}
        self.consort("up", "-d")
        # A cluster may not have this kind, and then only reports that.
        file.write_text(text + "x-consort: {kubernetes: {publish: gateway, gateway: main}}\n")
        self.store.refused = {("GET", routes): 404, ("PATCH", routes + "/web"): 404}
        self.assertIn("does the cluster have the Gateway API", self.consort("up", "-d", code=1).stderr)
        self.store.refused.clear()
        # Withdrawn: the ports are no longer open, and everything else stays.
        file.write_text(text + "x-consort: {kubernetes: {publish: ingress}}\n")
        self.assertIn("Ingress web  Created", self.consort("--dry-run", "up", "-d").stderr)
        self.assertEqual(self.names("ingresses"), [])
        self.consort("up", "-d")
        self.assertEqual((self.names("ingresses"), self.names("services")), (["web"], ["web", "web-published"]))
        file.write_text(text)
        self.assertIn("Ingress web  Removed", self.consort("--dry-run", "up", "-d").stderr)
        self.assertEqual(self.names("ingresses"), ["web"])
        self.consort("up", "-d")
        self.assertEqual((self.names("ingresses"), self.names("services")), ([], ["web"]))
        self.consort("down", "-v")
        self.assertEqual((self.names("httproutes"), self.names("services")), ([], []))

    def test_a_name_gets_an_address_and_gives_it_back(self):
        headless = lambda: [name for name in self.names("services") if self.store.objects["shop", "services", name]["spec"].get("clusterIP") == "None"]
        for mode, services, pods in (("dnsrr", ["web"], ["web"]), ("vip", ["web", "web-pods"], ["web-pods"]), ("dnsrr", ["web"], ["web"])):
            (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web, expose: [\"80\"], deploy: {endpoint_mode: %s}}\n" % mode)
            tried = self.consort("--dry-run", "up", "-d").stderr
            self.assertEqual("Service web  Recreated" in tried, bool(self.names("services")), tried)
            self.consort("up", "-d")
            self.assertEqual((self.names("services"), headless()), (services, pods))
            with self.store.changed:
                version = self.store.version
            self.consort("up", "-d")
            self.assertEqual(self.store.version, version)

    def test_a_custom_name_is_that_of_all_replicas(self):
        (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: web, container_name: front}\n")
        self.consort("up", "-d")
        self.consort("scale", "web=3")
        self.assertEqual((len(self.names("pods")), self.names("services")), (3, ["front", "web", "web-pods"]))

    def test_a_port_of_several_is_the_first_that_is_free(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            (self.folder / "compose.yaml").write_text("name: shop\nservices:\n  web:\n    image: web\n    ports:\n      - {target: 80, published: "
                                                      f"\"{self.port}-{self.port + 20}\"}}\n      - \"81\"\n"
                                                      + ("      - {target: 82, host_ip: \"::1\"}\n" if has_ipv6() else ""))
            up = subprocess.Popen([CONSORT, "up"], cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                places = {}
                while len(places) < 2 + has_ipv6():
                    line = up.stderr.readline()
                    self.assertTrue(line)
                    if found := re.fullmatch(r'Port (\d+) of service "web" is at (127\.0\.0\.1|\[::1\]):(\d+)\n', line):
                        places[found.group(1)] = found.groups()[1:]
                self.assertIn(int(places["80"][1]), range(self.port + 1, self.port + 21))
                self.until(lambda: self.consort("port", "web", "81").stdout == f"{places['81'][0]}:{places['81'][1]}\n")
                self.assertEqual(self.consort("port", "web", "80").stdout, f"127.0.0.1:{places['80'][1]}\n")
                for host, port in places.values():
                    with urllib.request.urlopen(f"http://{host}:{port}/hello", timeout=60) as answer:
                        self.assertEqual(answer.read(), b"you said GET /hello HTTP/1.1")
            finally:
                up.kill()  # its word is not taken for true then
                up.communicate(timeout=120)
            self.assertIn("the file leaves it open, and no attached `up` forwards it now", self.consort("port", "web", "80", code=1).stderr)

    # What somebody answers on a terminal.
    def answered(self, *words, answer):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([CONSORT, *words], cwd=self.folder, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        told = b""
        try:
            while b"Continue?" not in told:
                told += os.read(ours, 4096)
            os.write(ours, answer)
            with contextlib.suppress(OSError):  # the terminal's end
                while os.read(ours, 4096):
                    pass
        finally:
            os.close(ours)
        return process.wait(60)

    def test_down_with_volumes_asks_whoever_can_answer(self):
        self.consort("up", "-d")
        self.assertEqual(self.answered("down", "-v", answer=b"n\n"), 1)
        self.assertEqual(self.names("persistentvolumeclaims"), ["shop-data"])
        self.assertIn("db-0", self.names("pods"))
        self.assertEqual(self.answered("down", "-v", answer=b"y\n"), 0)
        self.assertEqual(self.names("persistentvolumeclaims"), [])

    def test_run_cp_and_looks(self):
        self.consort("up", "-d")
        ran = self.consort("run", "--rm", "-T", "--no-deps", "-e", "A=b", "web", "sh", "-c", "echo $A $(cat); exit 7", code=7, input="typed")
        self.assertEqual(ran.stdout, "b typed\n")
        self.consort("run", "-d", "--no-deps", "--name", "left", "web", "true")
        self.consort("run", "-d", "--rm", "--no-deps", "--name", "passing", "web", "true")
        self.wait_for(lambda: self.store.objects["shop", "pods", "passing"]["status"]["phase"] == "Succeeded")
        self.consort("up", "-d")
        self.assertIn("left", self.names("pods"))
        self.assertNotIn("passing", self.names("pods"))

        (self.folder / "a file").write_text("data")
        there = self.folder / "there"
        there.mkdir()
        self.consort("cp", "a file", f"db:{there}")
        self.assertEqual((there / "a file").read_text(), "data")
        self.consort("cp", f"db:{there}", "here")
        self.assertEqual((self.folder / "here" / "a file").read_text(), "data")
        self.consort("cp", "db:/nowhere", "x", code=1)

        self.assertIn("verbs.py", self.consort("top", "db").stdout)
        self.assertEqual(self.consort("port", "db", "80").stdout, f"127.0.0.1:{self.port}\n")
        self.assertEqual(self.consort("volumes", "-q").stdout, "shop-data\n")
        self.consort("down")
        self.assertFalse(self.names("pods"))

    # Whatever the node's words are.
    def check_forwarding_of_pods_that_end(self):
        def ask(method):
            self.store.asked = []
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}/again", method=method), timeout=60) as answer:
                self.assertEqual(answer.read(), f"you said {method} /again HTTP/1.1".encode())
        for method in ("GET", "POST"):  # nobody has heard of it yet
            self.store.unreached = ["no luck", "error forwarding port 80 to pod x"]
            ask(method)
            self.assertEqual(self.store.unreached, [])
        self.store.ended = ["error forwarding port 80 to pod x", "out of luck"]
        ask("GET")
        self.assertEqual((len(self.store.asked), self.store.ended), (3, []))
        self.store.ended = ["dial tcp4 127.0.0.1:80: connect: connection refused"]
        with self.assertRaises((OSError, http.client.HTTPException)):  # it may have been done
            ask("POST")
        self.assertEqual((len(self.store.asked), self.store.ended), (1, []))
        self.store.ended = ["first line\nand the last"]
        with self.assertRaises((OSError, http.client.HTTPException)):
            ask("POST")

    def test_logs_exec_and_forwarded_ports(self):
        up = subprocess.Popen([CONSORT, "up"], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        try:
            seen = ""
            while "db-0 says second" not in seen:
                line = up.stdout.readline()
                self.assertTrue(line, seen + (up.stderr.read() if not line else ""))
                seen += line
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/hello", timeout=60) as answer:
                self.assertEqual(answer.read(), b"you said GET /hello HTTP/1.1")
            self.check_forwarding_of_pods_that_end()
            self.assertIn("db-0  | db-0 says first", self.consort("logs", "--no-color", "db").stdout.replace("   ", "  "))
            ran = self.consort("exec", "-T", "-e", "A=b", "db", "sh", "-c", "echo $A 'x  y'; echo no >&2; exit 42", code=42)
            self.assertEqual((ran.stdout, ran.stderr), ("b x  y\n", "no\n"))
            # The command sees the end of its input although the cluster's protocol cannot report it.
            typed = "two\nlines" * 1300000  # more than all buffers in between can hold
            self.assertEqual(self.consort("exec", "-T", "db", "cat", input=typed).stdout, typed)
            self.consort("exec", "-T", "nothing", "x", code=1)
        finally:
            up.send_signal(signal.SIGINT)
            _, errors = up.communicate(timeout=120)
        self.assertEqual(up.returncode, 130, errors)
        self.assertEqual(errors.count("a connection to db:80"), 1, errors)  # as there was no answer in between
        self.assertFalse(any(name.startswith(("db-", "web-")) for name in self.names("pods")))


if __name__ == "__main__":
    unittest.main()
