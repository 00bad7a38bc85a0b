"""The unit and system tests, built on the host."""
import os
import subprocess

from run import ROOT, check


def check_system_tests():
    command = [ROOT / "scripts/run-unit", os.environ["CONSORT_VM_TESTS"], "-j", str(os.cpu_count()), "-k", r"^(?!Corpus)"]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            last = line.rstrip()
            if last.startswith("FAILED "):
                last = last.replace("FAILED ", "failed   ", 1)
            elif last.startswith("skipped "):
                last = last.replace("skipped ", "skipped  ", 1)
            else:
                last = f"  {last}"
            yield last
    check(process.returncode in (0, 1), f"scripts/run-unit ended with {process.returncode}")
    yield f"passed   {last.strip()}"
