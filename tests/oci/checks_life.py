"""runtime.md: operations, states and hooks."""
import json
import os
import pathlib
import signal
import socket
import time

from bundles import Skip, is_root, needs_root


def check_create(b):
    assert b.call("create", "--bundle", b.path)[0] != 0, "create without an id"
    b.create()
    state = b.state()
    assert state["id"] == b.id and state["status"] == "created" and state["pid"] > 0 and state["bundle"] == b.path, state
    assert state["ociVersion"] == "1.0.2", state
    assert b.try_create()[0] != 0, "create with an id that is taken"
    assert b.status() == "created"


def check_create_in_current_directory(b):
    code, text = b.try_create(there=True)
    assert code == 0, text
    assert b.state()["bundle"] == b.path


def check_start(b):
    assert b.call("start")[0] != 0 and b.call("start", b.id)[0] != 0, "start without an id, or of nothing"
    b.config["process"]["args"] = ["sh", "-c", "echo once >> /output; exec sleep 1000"]
    b.create()
    b.start()
    b.wait("running")
    assert b.call("start", b.id)[0] != 0, "start of what runs"
    assert b.status() == "running"
    b.call("kill", b.id, "KILL")
    b.wait("stopped")
    assert b.call("start", b.id)[0] != 0, "start of what has stopped"
    assert b.status() == "stopped"
    b.delete()
    assert pathlib.Path(b.path, "output").read_text() == "once\n"


def check_start_without_process(b):
    del b.config["process"]
    assert b.refused(), "nothing was started without a process"


def check_state(b):
    assert b.call("state")[0] != 0 and b.call("state", b.id)[0] != 0, "state without an id, or of nothing"
    b.config["annotations"] = {"org.example.a": "1", "org.example.empty": ""}
    b.create()
    assert b.state()["annotations"] == b.config["annotations"], b.state()


def check_kill(b):
    assert b.call("kill")[0] != 0 and b.call("kill", b.id, "KILL")[0] != 0, "kill without an id, or of nothing"
    b.create()
    assert b.call("kill", b.id, "KILL")[0] == 0, "kill of what is created"
    b.wait("stopped")
    before = b.state()
    assert b.call("kill", b.id, "KILL")[0] != 0, "kill of what has stopped"
    assert b.state() == before
    b.delete()


def check_killsig(b):
    for name in ("TERM", "USR1", "USR2", "HUP", "INT", "SIGTERM", "12"):
        number = {"USR1": 10, "USR2": 12, "HUP": 1, "INT": 2, "12": 12}.get(name, 15)
        b.config["process"]["args"] = ["sh", "-c", f"trap 'echo got {number}; exit' {number}; echo ready; while :; do sleep 0.05; done"]
        b.create()
        b.start()
        while "ready" not in b.output():
            assert b.status() == "running"
        assert b.call("kill", b.id, name)[0] == 0
        b.wait("stopped")
        b.delete()
        assert f"got {number}" in b.output(), f"{name}: {b.output()}"


def check_delete(b):
    assert b.call("delete")[0] != 0 and b.call("delete", b.id)[0] != 0, "delete without an id, or of nothing"
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    assert b.call("delete", b.id)[0] != 0 and b.status() == "created", "delete of what is created"
    b.start()
    assert b.call("delete", b.id)[0] != 0 and b.status() == "running", "delete of what runs"
    b.call("kill", b.id, "KILL")
    b.wait("stopped")
    b.delete()
    assert b.state() is None
    b.create()  # the id is free again


def check_delete_only_what_create_made(b):
    needs_root()
    group = pathlib.Path("/sys/fs/cgroup/pids" if os.path.isdir("/sys/fs/cgroup/pids") else "/sys/fs/cgroup", "oci-check")
    group.mkdir(exist_ok=True)
    try:
        b.config["process"]["args"] = ["sleep", "1000"]
        b.create()
        (group / "cgroup.procs").write_text(str(b.state()["pid"]))
        b.start()
        b.call("kill", b.id, "KILL")
        b.wait("stopped")
        b.delete()
        assert group.is_dir(), "somebody else's cgroup was removed"
    finally:
        group.rmdir()


def check_delete_resources(b):
    needs_root()
    b.config["linux"]["cgroupsPath"] = "/oci-check-" + b.id
    b.run("true")
    left = [str(path) for path in pathlib.Path("/sys/fs/cgroup").glob("*/oci-check-" + b.id)]
    assert not left, left


def check_pidfile(b):
    b.pid_file = b.path + "/pid"
    b.create()
    assert int(pathlib.Path(b.pid_file).read_text()) == b.state()["pid"]


def check_config_updates_without_effect(b):
    b.config["process"]["args"] = ["echo", "first"]
    b.create()
    b.config["process"]["args"] = ["echo", "second"]
    b.config["hostname"] = "other"
    b.write()
    b.start()
    b.wait("stopped")
    assert b.output() == "first\n", b.output()
    b.delete()


def check_hooks(b):
    log = b.path + "/log"
    order = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
    for kind in order:
        for number in (1, 2):
            b.hook(kind, f"echo {kind}{number} >> {'/log' if kind == 'startContainer' else log}")
    b.config["process"]["args"] = ["sh", "-c", "echo process >> /log; exec sleep 1000"]
    b.create()
    assert pathlib.Path(log).read_text().split() == [k + n for k in order[:3] for n in "12"], "hooks of create"
    b.start()
    expected = [k + n for k in order[:4] for n in "12"]
    while "process" not in (seen := pathlib.Path(log).read_text().split()) or "poststart2" not in seen:
        assert b.status() == "running"
    assert seen[:8] == expected and sorted(seen[8:]) == ["poststart1", "poststart2", "process"], seen
    b.call("kill", b.id, "KILL")
    b.wait("stopped")
    assert "poststop1" not in pathlib.Path(log).read_text()
    b.delete()
    assert pathlib.Path(log).read_text().split()[-2:] == ["poststop1", "poststop2"]


def check_poststart_is_after_the_process(b):
    b.hook("poststart", f"echo hook >> {b.path}/log")
    b.run("echo process >> /log")
    assert sorted(pathlib.Path(b.path, "log").read_text().split()) == ["hook", "process"]


def check_hooks_state_on_stdin(b):
    kinds = {"prestart": ("creating", "created"), "createRuntime": ("creating", "created"), "poststart": ("running", "stopped"),
             "poststop": ("stopped",)}
    for kind in kinds:
        b.hook(kind, f"cat > {b.path}/{kind}.json", timeout=30)
    b.config["annotations"] = {"org.example": "hooks"}
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    pid = b.state()["pid"]
    b.start()
    b.call("kill", b.id, "KILL")
    b.wait("stopped")
    b.delete()
    for kind, statuses in kinds.items():
        state = json.loads(pathlib.Path(b.path, kind + ".json").read_text())
        assert state["id"] == b.id and state["bundle"] == b.path and state["annotations"] == {"org.example": "hooks"}, state
        assert state["status"] in statuses, f"{kind}: {state}"
        assert kind == "poststop" or state["pid"] == pid, f"{kind}: {state}"


def check_hooks_environment(b):
    for kind in ("prestart", "poststop"):
        b.hook(kind, f"cat /proc/$$/environ > {b.path}/{kind}.env; true", env=["ONLY=this"])
    b.run("true")
    for kind in ("prestart", "poststop"):
        assert pathlib.Path(b.path, kind + ".env").read_text() == "ONLY=this\0"


def check_prestart_fail(b):
    b.hook("prestart", program="/bin/false")
    b.config["process"]["args"] = ["touch", "/output"]
    assert b.try_create()[0] != 0, "create in spite of a failed hook"
    assert b.state() is None and not os.path.exists(b.path + "/output")


def check_start_container_fail(b):
    b.hook("startContainer", program="/bin/false")
    b.config["process"]["args"] = ["touch", "/output"]
    b.create()
    assert b.call("start", b.id)[0] != 0, "start in spite of a failed hook"
    b.wait("stopped")
    assert not os.path.exists(b.path + "/output")


def check_poststart_fail(b):
    b.hook("poststart", program="/bin/false")
    b.hook("poststart", f"echo next >> {b.path}/log")
    b.run("touch /output")
    assert os.path.exists(b.path + "/output") and os.path.exists(b.path + "/log")


def check_poststop_fail(b):
    b.hook("poststop", program="/bin/false")
    b.hook("poststop", f"echo next >> {b.path}/log")
    b.run("true")
    assert pathlib.Path(b.path, "log").read_text() == "next\n"


def check_hooks_environment_not_given(b):
    """Those in the runtime's place have the runtime's, the one in the program's place the program's."""
    b.hook("prestart", f"echo $OF_CALLER > {b.path}/prestart.env")
    b.hook("startContainer", "echo $OF_PROGRAM $HOME > /start.env")
    b.config["process"]["env"].append("OF_PROGRAM=yes")
    os.environ["OF_CALLER"] = "yes"
    try:
        b.run("true")
    finally:
        del os.environ["OF_CALLER"]
    assert pathlib.Path(b.path, "prestart.env").read_text() == "yes\n"
    assert pathlib.Path(b.path, "start.env").read_text().startswith("yes /")


def check_exec_that_fails(b):
    """255 is the runtime's own; groups below the container's must be there, and below it."""
    needs_root()
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    assert b.call("exec", b.id, "false")[0] == 1
    assert b.call("exec", b.id, "no-such-program")[0] == 255
    assert b.call("exec", b.id + "-not-there", "true")[0] == 255
    for group in ("nowhere", "..", "no-such-controller:/"):
        assert b.call("exec", "--cgroup", group, b.id, "true")[0] == 255, group
    assert b.call("exec", "--cgroup", "/", b.id, "true")[0] == 0


def check_exec_in_several_groups(b):
    needs_root()
    if not pathlib.Path("/sys/fs/cgroup/cpu").exists():
        raise Skip("one hierarchy alone")
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    own = [line.split(":", 2) for line in pathlib.Path(f"/proc/{b.state()['pid']}/cgroup").read_text().splitlines()]
    wanted = []
    for number, names, path in own:
        below = {"cpu": "/sub", "memory": "/other/sub"}
        place = next((below[name] for name in names.split(",") if name in below), "")
        if place:
            os.makedirs(f"/sys/fs/cgroup/{'cpu' if 'cpu' in names.split(',') else 'memory'}{path}{place}")
        wanted.append(":".join((number, names, path + place)))
    code, text = b.call("exec", "--cgroup", "cpu:sub", "--cgroup", "memory:/other/sub", b.id, "cat", "/proc/self/cgroup")
    assert code == 0 and text.splitlines() == wanted, text


def check_exec_adds_capabilities(b):
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    code, text = b.call("exec", "--cap", "CAP_NO_SUCH", b.id, "true")
    assert code == 0 and "CAP_NO_SUCH" in text, text


def check_exec_as_the_container_has_it(b):
    """What the description of the process leaves out."""
    b.config["process"].update({"args": ["sleep", "1000"], "oomScoreAdj": 500, "execCPUAffinity": {"initial": "0", "final": "0"},
                                "scheduler": {"policy": "SCHED_BATCH", "nice": 5}})
    b.create()
    script = ("ulimit -n; cat /proc/self/oom_score_adj; cut -d' ' -f19,41 /proc/self/stat; "
              "grep Cpus_allowed_list /proc/self/status | wc -c")
    described = {"user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", script], "env": b.config["process"]["env"], "cwd": "/"}
    pathlib.Path(b.path, "other.json").write_text(json.dumps(described))
    only_first = len("Cpus_allowed_list:\t0\n")
    assert b.call("exec", "--process", b.path + "/other.json", b.id) == (0, f"1024\n500\n5 3\n{only_first}\n")


def check_update_realtime(b):
    needs_root()
    place = f"/check-realtime-{os.getpid()}"
    if not pathlib.Path("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists():
        raise Skip("the kernel shares no real time out")
    b.config["linux"]["cgroupsPath"] = place
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    code, text = b.call("update", "--cpu-rt-period", "900000", "--cpu-rt-runtime", "1000", b.id)
    assert code == 0, text
    files = [pathlib.Path(f"/sys/fs/cgroup/cpu{place}/cpu.rt_{name}_us").read_text() for name in ("period", "runtime")]
    assert files == ["900000\n", "1000\n"], files


def check_kill_what_outlives_the_first(b):
    """Without a pid namespace of its own a container has processes left when its first has ended."""
    needs_root()
    b.namespace("pid", remove=True)
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    b.start()
    code, text = b.leave("exec", "--detach", "--pid-file", b.path + "/other", b.id, "sleep", "1000")
    assert code == 0, text
    other = pathlib.Path(b.path, "other").read_text()
    os.kill(b.state()["pid"], signal.SIGKILL)
    b.wait("stopped")
    assert b.call("kill", b.id, "KILL")[0] == 0
    end = time.monotonic() + 30
    while pathlib.Path(f"/proc/{other}/cmdline").exists() and pathlib.Path(f"/proc/{other}/cmdline").read_bytes():
        assert time.monotonic() < end, "it runs still"
        time.sleep(0.02)
    b.delete()


def check_run_without_a_terminal_of_its_own(b):
    b.config["process"].update({"terminal": True, "args": ["sh", "-c", "test -t 1 && echo line"]})
    b.write()
    assert b.call("run", "--bundle", b.path, b.id) == (0, "line\n")


def check_sockets_of_systemd(b):
    """Those that are meant for the runtime, and no descriptor else."""
    b.config["process"]["args"] = [
        "sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; for i in 3 4; do test -e /proc/self/fd/$i && echo open $i; done; true"]
    b.write()
    for receiver, seen in (("$$", "1 1\nopen 3\n"), ("1", "\n")):
        shell = f'exec 3</dev/null 4</dev/null; export LISTEN_FDS=1 LISTEN_PID={receiver}; exec "$@"'
        assert b.call("run", "--bundle", b.path, b.id, before=["sh", "-c", shell, "sh"]) == (0, seen), receiver


def check_pidfd_socket(b):
    b.config["process"]["args"] = ["sleep", "1000"]
    b.write()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(b.path + "/pidfd")
        listener.listen(1)
        code, text = b.leave("create", "--bundle", b.path, "--pidfd-socket", b.path + "/pidfd", b.id)
        if code != 0 and "pidfd-socket" in text and "not defined" in text:
            raise Skip("runc has it since 1.2")
        assert code == 0, text
        with listener.accept()[0] as connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    signal.pidfd_send_signal(descriptors[0], signal.SIGKILL)
    os.close(descriptors[0])
    b.wait("stopped")


def check_words_of_crun(b):
    if b.runtime[-1] != "runtime":
        raise Skip("of crun, and ours")
    b.write()
    os.rename(b.path + "/config.json", b.path + "/other.json")
    code, text = b.call("--cgroup-manager", "cgroupfs", "run", "--bundle", b.path, "--config", "other.json", b.id)
    assert code == 0, text
    if is_root():
        b.config["linux"]["cgroupsPath"] = "checked.slice:by:" + b.id
        b.config["process"]["args"] = ["cat", "/proc/self/cgroup"]
        b.write()
        as_runc, as_crun = (b.call(*words, "run", "--bundle", b.path, b.id)
                            for words in (["--systemd-cgroup"], ["--cgroup-manager", "systemd"]))
        assert as_crun == as_runc and as_crun != (code, text), as_crun  # an error where there is no systemd
