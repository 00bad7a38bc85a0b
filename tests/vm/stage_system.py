"""The unit and system tests that were built on the machine outside, one at a time."""
import re
import subprocess

from run import ROOT


def check_system_tests():
    command = ["ctest", "--test-dir", str(ROOT / "build/release-tests"), "-j", "1", "--timeout", "900", "--no-tests=error", "--output-on-failure",
               "-E", "_NOT_BUILT|^Corpus"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            found = re.match(r" *\d+/\d+ Test +#\d+: (\S+) \.*(?: *)(\*\*\*)?(\w+)", line)
            if not found:
                if not re.match(r" +Start ", line):
                    print("  " + line.rstrip())
                continue
            word = {"Passed": "passed", "Skipped": "skipped"}.get(found[3], "failed")
            yield f"{word:8} {found[1]}"


