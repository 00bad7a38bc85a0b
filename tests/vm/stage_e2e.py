"""The end-to-end scenarios, against the installed package."""
import os
import subprocess

from run import ROOT, check, run


def check_scenarios():
    environment = {**os.environ, "CONSORT": "/usr/bin/consort"}
    with subprocess.Popen([ROOT / "tests/e2e/run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as process:
        for line in process.stdout:
            yield line.rstrip()
    check(process.returncode in (0, 1), f"the scenarios ended with {process.returncode}")
    check(run(["pgrep", "-x", "consort-keeper"]).status == 1, "a keeper is left")
