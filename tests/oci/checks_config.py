"""config.md: root, mounts, process, hostname, extensibility."""
import os
import pathlib
import subprocess

from bundles import mount, needs_root


def check_default(b):
    b.config["mounts"].append(mount("/tmp", "tmpfs", "nosuid", "strictatime", "mode=755", "size=1k"))
    seen = {}
    for line in b.run("cat /proc/self/mountinfo").splitlines():
        before, after = line.split(" - ")
        seen[before.split()[4]] = (before.split()[5].split(",") + after.split()[2].split(","), after.split()[0], after.split()[1])
    places = list(seen)
    assert [p for p in places if p in {m["destination"] for m in b.config["mounts"]}] == [
        m["destination"] for m in b.config["mounts"]], places
    for wanted in b.config["mounts"]:
        options, kind, source = seen[wanted["destination"]]
        assert kind == wanted["type"] and source == wanted["source"], (wanted, kind, source)
        for option in wanted["options"]:
            if option in ("nosuid", "noexec", "nodev", "ro"):
                assert option in options, (wanted, options)


def check_default_devices_and_links(b):
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"):
        assert b.run(f"test -c /dev/{name} && echo yes") == "yes\n", name
    b.expect("readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr".replace(" /", "; readlink /").replace("readlink;", ":;"),
             "/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2")
    b.expect("echo x > /dev/null && head -c 2 /dev/zero | od -An -tx1", "00 00")


def check_root_readonly(b):
    b.config["root"]["readonly"] = True
    b.expect("touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo written", "refused written")


def check_root_path_missing(b):
    b.config["root"]["path"] = "nowhere"
    assert b.refused()


def check_misc_props(b):
    b.config["annotations"] = {"org.unknown." + b.id: ""}
    b.config["unknown"] = "unknown"
    b.config["process"]["unknown"] = {"a": [1]}
    assert b.run("echo ran") == "ran\n"
    for version in ("invalid", "2.0.0", "0.1.0", ""):
        b.config["ociVersion"] = version
        assert b.refused(), version


def check_mounts_are_seen_in_order(b):
    """Binds are prepared before anything is mounted, and the kernel lists mounts by their making."""
    wanted = []
    for kind in ("shared", "slave", "private", "unbindable"):
        b.config["mounts"] += [mount(f"/file-{kind}", "tmpfs", "size=4k"),
                               {"destination": f"/bound-{kind}", "source": "/etc", "options": ["bind", kind]}]
        wanted += [f"/file-{kind}", f"/bound-{kind}"]
    lines = b.run("cat /proc/self/mountinfo").splitlines()
    seen = [line.split()[4] for line in lines]
    assert [place for place in seen if place in wanted] == wanted, seen
    assert any("/bound-unbindable" in line and "unbindable" in line.split(" - ")[0].split()[5:] for line in lines), lines


def check_mount_options(b):
    os.makedirs(b.path + "/source/sub")
    b.config["mounts"] += [
        {"destination": "/bound", "type": "bind", "source": "source", "options": ["bind", "ro"]},
        {"destination": "/all", "source": b.path + "/source", "options": ["rbind", "nosuid"]},
        mount("/made/deep", "tmpfs", "size=4k", "noexec", "uid=5"),
    ]
    b.expect("touch /bound/x 2>/dev/null || echo refused; touch /all/y && echo written; stat -c %u /made/deep", "refused written 5")
    assert os.path.exists(b.path + "/source/y")


def check_mounts_recursive(b):
    """A word that begins with "r" is for all that is mounted below, too; one that does not, for the top alone."""
    needs_root()
    below = b.path + "/source/sub"
    words = {"rro": "ro", "rnosuid": "nosuid", "rnodev": "nodev", "rnoexec": "noexec", "rnoatime": "noatime",
             "rnodiratime": "nodiratime", "rnosymfollow": "nosymfollow"}
    clear = {"rrw": "ro", "rsuid": "nosuid", "rdev": "nodev", "rexec": "noexec", "ratime": "noatime",
             "rdiratime": "nodiratime", "rsymfollow": "nosymfollow", "rstrictatime": "noatime"}
    os.makedirs(below)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nosuid,nodev,noexec,noatime", "below", below], check=True)
    try:
        for word in ("ro", *words, *clear):
            b.config["mounts"].append({"destination": f"/{word}", "source": b.path + "/source", "options": ["rbind", word]})
        text = b.run("cat /proc/self/mountinfo")
    finally:
        subprocess.run(["umount", below], check=True)
    options = {line.split()[4]: line.split()[5].split(",") for line in text.splitlines()}
    assert "ro" in options["/ro"] and "ro" not in options["/ro/sub"], f"ro: {options['/ro']} {options['/ro/sub']}"
    for word, shown in words.items():
        assert shown in options[f"/{word}"] and shown in options[f"/{word}/sub"], f"{word}: {options[f'/{word}/sub']}"
    for word, shown in clear.items():
        assert shown not in options[f"/{word}/sub"], f"{word}: {options[f'/{word}/sub']}"


def check_mount_errors(b):
    good = list(b.config["mounts"])
    for bad in (mount("/x", "nosuchfs"), {"destination": "/x", "type": "bind", "source": "/no/such/place", "options": ["bind"]},
                mount("/x", "tmpfs", "size=nonsense")):
        b.config["mounts"] = good + [bad]
        assert b.refused(), bad


def check_process(b):
    os.makedirs(b.path + "/test")
    process = b.config["process"]
    process["cwd"] = "/test"
    process["env"] += ["testa=valuea", "testb=value b", "empty="]
    assert b.run("pwd; echo $testa; echo $testb; echo \"<$empty>\"") == "/test\nvaluea\nvalue b\n<>\n"
    process["args"] = ["/bin/busybox", "echo", "a b", "", "c"]
    assert b.run() == "a b  c\n"
    process["cwd"] = "relative"
    assert b.refused(), "a relative cwd"
    process["cwd"] = "/"
    process["args"] = ["/no/such/program"]
    assert b.refused(), "a program that is not there"
    process["args"] = []
    assert b.refused(), "no arguments"


def check_process_environment(b):
    """The last of two counts, and a home is looked up if none is named."""
    b.config["process"]["env"] += ["TWICE=first", "HOME=/x", "TWICE=last", "HOME="]
    pathlib.Path(b.path, "etc/passwd").write_text("root:x:0:0::/somewhere:/bin/sh\n")
    assert sorted(line for line in b.run("env").splitlines() if line.startswith(("TWICE", "HOME"))) == [
        "HOME=/somewhere", "TWICE=last"]


def check_process_program_for_capable(b):
    needs_root()
    os.chmod(b.path + "/bin/busybox", 0o744)
    b.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    b.config["process"]["args"] = ["/bin/true"]
    b.create()
    b.start()
    b.end(keep=True)
    for names in b.config["process"]["capabilities"].values():
        names.remove("CAP_DAC_OVERRIDE")
    assert b.refused(), "a program that its user may not execute"


def check_process_interpreter_missing(b):
    pathlib.Path(b.path, "script").write_text("#!/no/such/interpreter\n")
    os.chmod(b.path + "/script", 0o755)
    b.config["process"]["args"] = ["/script"]
    b.create()
    code, text = b.call("start", b.id)
    assert code != 0 and "/script: no such file or directory" in text, text


def check_process_user(b):
    needs_root()
    b.config["process"]["user"] = {"uid": 10, "gid": 20, "additionalGids": [5, 4000], "umask": 0o37}
    b.expect("id -u; id -g; id -G; umask", "10 20 20 5 4000 0037")


def status_line(b, name):
    return f"grep {name} /proc/self/status | cut -f2"


def check_process_capabilities(b):
    bits = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}
    sets = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_ADMIN"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
            "effective": ["CAP_CHOWN", "CAP_KILL"], "inheritable": ["CAP_CHOWN", "CAP_NET_RAW"], "ambient": []}
    b.config["process"]["capabilities"] = sets
    value = {kind: sum(1 << bits[name] for name in names) for kind, names in sets.items()}
    # execve as root gives the bounding and the inheritable set
    seen = b.run("for s in Inh Bnd Amb; do grep Cap$s /proc/self/status | cut -f2; done").split()
    assert [int(x, 16) for x in seen] == [value["inheritable"], value["bounding"], 0], seen
    if os.geteuid() == 0:
        every = ["CAP_CHOWN", "CAP_KILL"]
        b.config["process"]["capabilities"] = {kind: every for kind in sets}
        b.config["process"]["user"] = {"uid": 1000, "gid": 1000}
        seen = b.run("for s in Inh Prm Eff Bnd Amb; do grep Cap$s /proc/self/status | cut -f2; done").split()
        assert {int(x, 16) for x in seen} == {0x21}, seen
    del b.config["process"]["capabilities"]
    b.config["process"]["user"] = {"uid": 0, "gid": 0}
    seen = b.run("for s in Inh Prm Eff Bnd Amb; do grep Cap$s /proc/self/status | cut -f2; done").split()
    assert {int(x, 16) for x in seen} == {0}, f"without capabilities: {seen}"


def check_process_capabilities_fail(b):
    b.config["process"]["capabilities"]["bounding"].append("CAP_TEST")
    assert b.refused(), "an error until version 1.0"
    b.config["ociVersion"] = "1.2.0"
    assert b.run("echo ran").endswith("ran\n"), "a warning since then"


def check_process_rlimits(b):
    limits = {"NOFILE": (100, 200), "CORE": (0, 4096), "FSIZE": (1 << 30, 1 << 31), "CPU": (500, 1000), "STACK": (8 << 20, 16 << 20)}
    b.config["process"]["rlimits"] = [{"type": "RLIMIT_" + name, "soft": soft, "hard": hard} for name, (soft, hard) in limits.items()]
    text = b.run("cat /proc/self/limits")
    for word, name in (("Max open files", "NOFILE"), ("Max core file size", "CORE"), ("Max file size", "FSIZE"),
                       ("Max cpu time", "CPU"), ("Max stack size", "STACK")):
        line = next(line for line in text.splitlines() if line.startswith(word))
        assert line[len(word):].split()[:2] == [str(x) for x in limits[name]], line


def check_process_rlimits_fail(b):
    b.config["process"]["rlimits"] = [{"type": "RLIMIT_TEST", "soft": 1, "hard": 1}]
    assert b.refused(), "an unknown limit"
    b.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 10}] * 2
    assert b.refused(), "one limit twice"


def check_process_oom_score_adj(b):
    own = int(pathlib.Path("/proc/self/oom_score_adj").read_text())
    assert int(b.run("cat /proc/self/oom_score_adj")) == own, "it was changed unasked"
    b.config["process"]["oomScoreAdj"] = own + 100
    assert int(b.run("cat /proc/self/oom_score_adj")) == own + 100


def check_no_new_privileges(b):
    for wish in (True, False):
        b.config["process"]["noNewPrivileges"] = wish
        b.expect("grep NoNewPrivs /proc/self/status | cut -f2", "1" if wish else "0")


def check_hostname(b):
    b.config["hostname"] = "hostname-specific"
    b.expect("hostname", "hostname-specific")
    b.namespace("uts", remove=True)
    assert b.refused(), "the host's own name would be changed"


def check_terminal_needs_a_socket(b):
    b.config["process"]["terminal"] = True
    assert b.refused()
