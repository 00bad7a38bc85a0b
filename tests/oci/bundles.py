"""A bundle of busybox, and a runtime's commands on it."""
import json
import os
import shutil
import signal
import subprocess
import time

APPLETS = ("sh cat echo stat ls readlink grep id mount mkdir sleep true false touch hostname env nproc umount "
           "dd rm sync tr cut head ip sysctl wc od").split()
DEFAULT_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
                        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
                        "CAP_SYS_CHROOT"]
PATIENCE = 60


class Skip(Exception):
    pass


def mount(where, kind, *options, source=None):
    return {"destination": where, "type": kind, "source": source or kind, "options": list(options)}


def default_config():
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["true"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {name: list(DEFAULT_CAPABILITIES)
                             for name in ("bounding", "effective", "inheritable", "permitted", "ambient")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        },
        "root": {"path": "."},
        "hostname": "checked",
        "mounts": [
            mount("/proc", "proc", "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
                  *(["gid=5"] if os.geteuid() == 0 else [])),
            mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k", source="shm"),
            mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        ],
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
        },
    }


class Bundle:
    """One container at a time. `config` is written when it is created."""

    def __init__(self, runtime, path):
        self.runtime, self.path, self.id = runtime, path, f"check-{os.getpid()}-{os.path.basename(path)}"
        self.config = default_config()
        os.makedirs(path + "/bin")
        os.makedirs(path + "/etc")
        shutil.copy("/bin/busybox", path + "/bin/busybox")
        for applet in APPLETS:
            os.symlink("busybox", f"{path}/bin/{applet}")
        if os.geteuid() != 0:
            self.config["linux"]["namespaces"].append({"type": "user"})
            self.config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
            self.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": os.getegid(), "size": 1}]
        self.pid_file = None

    # --- the commands; each gives the exit status, and what it has said
    def call(self, *words, before=(), **more):
        done = subprocess.run([*before, *self.runtime, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE, **more)
        return done.returncode, done.stdout + done.stderr

    def leave(self, *words):
        """Of a command that leaves processes behind: they write to a file, for a pipe would stay open."""
        with open(self.path + ".out", "w") as out:
            done = subprocess.run([*self.runtime, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                  timeout=PATIENCE, cwd=self.path)
        return done.returncode, self.output()

    def write(self):
        with open(self.path + "/config.json", "w") as file:
            json.dump(self.config, file)

    def try_create(self, there=False):
        self.write()
        words = ["create"] if there else ["create", "--bundle", self.path]
        if self.pid_file:
            words += ["--pid-file", self.pid_file]
        return self.leave(*words, self.id)

    def output(self):
        with open(self.path + ".out") as file:
            return file.read()

    def create(self):
        code, text = self.try_create()
        assert code == 0, f"create: {text}"

    def start(self):
        code, text = self.call("start", self.id)
        assert code == 0, f"start: {text}"

    def state(self):
        code, text = self.call("state", self.id)
        return json.loads(text) if code == 0 else None

    def status(self):
        state = self.state()
        return state["status"] if state else "none"

    def wait(self, status):
        end = time.monotonic() + PATIENCE
        while self.status() != status:
            assert time.monotonic() < end, f"the status is {self.status()}, not {status}"
            time.sleep(0.02)

    def delete(self):
        code, text = self.call("delete", self.id)
        assert code == 0, f"delete: {text}"

    # --- more than one step
    def run(self, script=None):
        """To its end; what it has written."""
        if script is not None:
            self.config["process"]["args"] = ["sh", "-c", script]
        self.create()
        self.start()
        self.wait("stopped")
        self.delete()
        return self.output()

    def expect(self, script, words):
        text = self.run(script)
        assert text.split() == words.split(), f"{script}: {text!r} instead of {words!r}"

    def refused(self):
        code, text = self.try_create()
        if code == 0:
            code, text = self.call("start", self.id)
        self.end(keep=True)
        return code != 0

    def end(self, keep=False):
        self.call("kill", self.id, "KILL")
        self.call("delete", "--force", self.id)
        if not keep:
            shutil.rmtree(self.path, ignore_errors=True)

    def hook(self, kind, script=None, program=None, **more):
        """Of the bundle's own shell, as hooks are of the runtime's namespaces or of the container's root."""
        place = "" if kind == "startContainer" else self.path
        entry = {"path": place + (program or "/bin/sh"), "args": [os.path.basename(program or "sh")], **more}
        if script:
            entry["args"] += ["-c", script]
        self.config.setdefault("hooks", {}).setdefault(kind, []).append(entry)

    def namespace(self, kind, path=None, remove=False):
        rest = [entry for entry in self.config["linux"]["namespaces"] if entry["type"] != kind]
        if not remove:
            rest.append({"type": kind, **({"path": path} if path else {})})
        self.config["linux"]["namespaces"] = rest


def with_process(command):
    """A process that lives as long as the block, in a group of its own."""

    class Running:
        def __enter__(self):
            self.process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
            return self.process.pid

        def __exit__(self, *_):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    return Running()


def is_root():
    """Of the machine, not only of a user namespace."""
    with open("/proc/self/uid_map") as file:
        return os.geteuid() == 0 and file.read().split() == ["0", "0", "4294967295"]


def needs_root():
    if not is_root():
        raise Skip("needs root")
