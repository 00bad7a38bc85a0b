"""Running the scenarios as somebody who is not root, and which of them need root."""
import os
import pathlib
import pwd
import shutil
import subprocess

import harness

# Name -> why. What can be done without root and is not yet, is not listed here but fails.
NEEDS_ROOT = {}


def account(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
        return pwd.getpwnam(name)


def become(name, prepare_images):
    """As root: makes the user, a registry with images and copies of the programs that the user can read, and goes on as that user."""
    harness.check(os.geteuid() == 0, "--user is for root, who can become another user")
    entry = account(name)
    tun = pathlib.Path("/dev/net/tun")
    if tun.exists():
        tun.chmod(0o666)  # as it is on users' machines
    registry = harness.Registry(harness.SHARED / "registry")
    try:
        prepare_images(registry)
    finally:
        registry.close()
    theirs = harness.SHARED.with_name(harness.SHARED.name + "-" + name)
    theirs.mkdir(exist_ok=True)
    shutil.rmtree(theirs / "registry", ignore_errors=True)
    shutil.copytree(harness.SHARED / "registry/data", theirs / "registry/data")
    programs = theirs / "programs"
    programs.mkdir(exist_ok=True)
    for program in ("consort", "consort-keeper", "consort-supervisor", "consort-init", "consort-place"):
        shutil.copy(harness.CONSORT.parent / program, programs / program)
    os.chown(theirs, entry.pw_uid, entry.pw_gid)
    subprocess.run(["chown", "-R", f"{entry.pw_uid}:{entry.pw_gid}", theirs / "registry", programs], check=True)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.chdir("/")
    os.environ.update(HOME=entry.pw_dir, USER=name, LOGNAME=name)
    for variable in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        os.environ.pop(variable, None)
    harness.SHARED = theirs
    harness.CONSORT = programs / "consort"
