"""Runs the scenarios as a user other than root, and lists those that need root."""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys

import harness

# Name -> reason. Scenarios that could work without root but do not yet are not listed here, so they fail.
NO_GROUPS = "`pause` and limits need control groups, of which a user has none here (systemd gives them, of version 2)"
NEEDS_ROOT = {
    "networks_beyond_nat": "a macvlan network is on an interface of root's",
    "session_as_with_docker_compose": NO_GROUPS,
    "flags_as_with_docker_compose": NO_GROUPS,
    "odd_states": NO_GROUPS,
    "events": NO_GROUPS,
    "start_errors_show_their_line": "a limit that a user cannot have is left out, and is no error",
    "images_tls_and_password": "gives the host another address",
    "images_without_root": "gives a folder to another user, to be root of a namespace as that one",
    "own_users": "a user's containers are in that user's namespace already",
    "nobody_gets_in": "looks at the roots as another user",
    "full_disk": "mounts a small disk",
    "a_full_disk_can_be_emptied": "mounts a small disk",
    "a_full_ext4_stops_nothing": "mounts a small disk",
    "a_cut_build_step_leaves_no_group": "looks for a control group, which a user's build step has none of here",
}


def account(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
        return pwd.getpwnam(name)


def copy_for(entry, theirs):
    """Copies what the user must be able to read, as the source directory may be closed to them: programs, scenarios, examples, images."""
    shutil.rmtree(theirs / "registry", ignore_errors=True)
    shutil.copytree(harness.SHARED / "registry/data", theirs / "registry/data")
    programs = theirs / "programs"
    programs.mkdir(exist_ok=True)
    for program in ("consort", "consort-keeper", "consort-supervisor", "consort-init", "consort-place"):
        (programs / program).unlink(missing_ok=True)  # it may still be running from an earlier run
        shutil.copy(harness.CONSORT.parent / program, programs / program)
    source = theirs / "source"
    shutil.rmtree(source, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("tests/e2e", "examples"):
        shutil.copytree(harness.ROOT / folder, source / folder, ignore=ignored)
    subprocess.run(["chown", "-R", f"{entry.pw_uid}:{entry.pw_gid}", theirs / "registry", programs, source], check=True)
    os.chown(theirs, entry.pw_uid, entry.pw_gid)
    return programs, source


def become(name, prepare_images, arguments):
    """As root: creates the user and their files, and runs the same command as that user. Does not return."""
    harness.check(os.geteuid() == 0, "--user is for root, who can become another user")
    entry = account(name)
    tun = pathlib.Path("/dev/net/tun")
    if tun.exists():
        tun.chmod(0o666)  # the usual mode on users' machines
    registry = harness.Registry(harness.SHARED / "registry")
    try:
        prepare_images(registry)
    finally:
        registry.close()
    theirs = harness.SHARED.with_name(harness.SHARED.name + "-" + name)
    theirs.mkdir(exist_ok=True)
    programs, source = copy_for(entry, theirs)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.chdir("/")
    os.environ.update(HOME=entry.pw_dir, USER=name, LOGNAME=name, CONSORT=str(programs / "consort"), CONSORT_E2E_DIR=str(theirs))
    for variable in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        os.environ.pop(variable, None)
    python = next(path for path in (sys.executable, "/usr/bin/python3") if os.access(path, os.X_OK))
    os.execv(python, [python, "-u", str(source / "tests/e2e/run"), *arguments])
