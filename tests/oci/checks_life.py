"""runtime.md: operations, states and hooks."""
import json
import os
import pathlib

from bundles import needs_root


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
