"""What tests against a real cluster share. None of it runs in CI: there is no cluster."""
import argparse
import json
import os
import pathlib
import shlex
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
PART_OF = "app.kubernetes.io/part-of"


def parser(text):
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--consort", default=str(ROOT / "build/dev/consort"))
    made.add_argument("--kubectl", default="kubectl")
    return made


def hear_interrupts():
    """A shell's background job ignores them, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Cluster:
    def __init__(self, given, project, folder):
        self.consort = os.path.abspath(given.consort)
        self.words = shlex.split(given.kubectl)
        self.project, self.folder = project, folder
        self.environment = dict(os.environ, CONSORT_ON=os.environ.get("CONSORT_ON", "kubernetes"))

    def kubectl(self, *words):
        return subprocess.run([*self.words, *words], capture_output=True, text=True, check=True).stdout

    def start(self, *words, **how):
        return subprocess.Popen([self.consort, *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, preexec_fn=hear_interrupts, **how)

    def run(self, *words, limit=600):
        """Its exit code, and all that it wrote."""
        ran = subprocess.run([self.consort, *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit)
        return ran.returncode, ran.stdout

    def kinds(self):
        names = self.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        return ",".join(name for name in names if name != "componentstatuses" and not name.startswith("events"))

    def everything(self):
        """All objects that are the project's by label or namespace, of all kinds: name and version of each."""
        found = {}
        for each in json.loads(self.kubectl("get", self.kinds(), "-A", "-o", "json", "--ignore-not-found") or '{"items": []}')["items"]:
            meta = each["metadata"]
            claim = each.get("spec", {}).get("claimRef", {}) if each["kind"] == "PersistentVolume" else {}
            ours = meta.get("labels", {}).get(PART_OF) == self.project
            if ours or self.project in (meta.get("namespace"), claim.get("namespace")):
                found[f"{each['kind']}/{meta['name']}"] = meta["resourceVersion"]
        return found
