"""config-linux.md: namespaces, devices, cgroups, sysctls, seccomp, paths."""
import os
import pathlib
import platform

from bundles import Skip, is_root, needs_root, with_process

KINDS = {"cgroup": "cgroup", "ipc": "ipc", "mount": "mnt", "network": "net", "pid": "pid", "uts": "uts"}
ADMIN = ("CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_RESOURCE")


def namespace_of(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def add_admin(b):
    for names in b.config["process"]["capabilities"].values():
        names.extend(ADMIN)


def check_namespaces_new(b):
    b.namespace("cgroup")
    b.create()
    pid = b.state()["pid"]
    for kind in KINDS.values():
        assert namespace_of(pid, kind) != namespace_of("self", kind), kind


def check_namespaces_inherited(b):
    needs_root()
    for kind in KINDS:
        b.namespace(kind, remove=True)
    del b.config["hostname"]
    b.create()
    pid = b.state()["pid"]
    for kind in (*KINDS.values(), "user"):
        assert namespace_of(pid, kind) == namespace_of("self", kind), kind


def check_namespaces_by_path(b):
    needs_root()
    for kind, file in KINDS.items():
        if kind == "cgroup":
            continue
        words = {"mount": "--mount", "network": "--net"}.get(kind, "--" + kind)
        with with_process(["unshare", words, "--fork", "sleep", "1000"]) as pid:
            source = file + "_for_children" if kind == "pid" else file
            while not os.path.exists(f"/proc/{pid}/ns/{source}") or namespace_of(pid, source) == namespace_of("self", file):
                pass
            while not pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().strip():
                pass
            b.namespace(kind, path=f"/proc/{pid}/ns/{source}")
            b.create()
            assert namespace_of(b.state()["pid"], file) == namespace_of(pid, source), kind
            b.end(keep=True)
        b.namespace(kind)


def check_namespaces_of_another_kind(b):
    order = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
    names = {"mnt": "mount", "net": "network"}
    for kind, wrong in zip(order, order[1:] + order[:1]):
        saved = list(b.config["linux"]["namespaces"])
        b.namespace(names.get(kind, kind), path=f"/proc/self/ns/{wrong}")
        assert b.refused(), f"{wrong} as {kind}"
        b.config["linux"]["namespaces"] = saved
    b.config["linux"]["namespaces"].append({"type": "ipc"})
    assert b.refused(), "one kind twice"


def check_uid_mappings(b):
    needs_root()
    b.namespace("user")
    b.config["linux"]["uidMappings"] = [{"hostID": 1000, "containerID": 0, "size": 3200}]
    b.config["linux"]["gidMappings"] = [{"hostID": 2000, "containerID": 0, "size": 3200}]
    for name in ("proc", "dev", "sys"):
        os.makedirs(f"{b.path}/{name}")
    b.expect("cat /proc/self/uid_map /proc/self/gid_map; id -u; test -c /dev/null && echo device", "0 1000 3200 0 2000 3200 0 device")
    b.namespace("user", remove=True)
    assert b.refused(), "maps without a user namespace"


def check_devices(b):
    needs_root()
    mode = 0o660
    b.config["linux"]["devices"] = [
        {"path": "/dev/test1", "type": "c", "major": 10, "minor": 666, "fileMode": mode, "uid": 0, "gid": 0},
        {"path": "/dev/test2", "type": "b", "major": 8, "minor": 666, "fileMode": mode, "uid": 7, "gid": 8},
        {"path": "/dev/test3", "type": "p", "major": 8, "minor": 666, "fileMode": mode},
        {"path": "/dev/deep/null", "type": "c", "major": 1, "minor": 3},
    ]
    b.expect("stat -c '%F %a %t:%T %u:%g' /dev/test1 /dev/test2 | tr ' ' _; stat -c '%F %a' /dev/test3; echo > /dev/deep/null && echo"
             " works".replace("| tr ' ' _", ""),
             "character special file 660 a:29a 0:0 block special file 660 8:29a 7:8 fifo 660 works")


def check_devices_of_other_users(b):
    """No node can be made in a user namespace; owner and mode are those of the config all the same."""
    needs_root()
    b.namespace("user")
    for kind in ("uidMappings", "gidMappings"):
        b.config["linux"][kind] = [{"containerID": 0, "hostID": 0, "size": 4294967295}]
    b.config["linux"]["devices"] = [
        {"path": "/dev/other", "type": "b", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 10, "gid": 11}]
    b.expect("stat -c '%a %u:%g %t:%T' /dev/other", "640 10:11 1:5")


def check_masked_paths(b):
    os.makedirs(b.path + "/masked-dir/sub")
    for path in ("masked-file", "masked-dir/file", "masked-dir/sub/file"):
        pathlib.Path(b.path, path).write_text("secret")
    masked = ["/masked-dir", "/masked-file", "/masked-dir/sub", "/masked-dir/file", "/not/there"]
    if is_root():
        for name, kind in (("fifo", 0o010666), ("char", 0o020666), ("block", 0o060666)):
            os.mknod(f"{b.path}/{name}", kind, 0)
            masked.append("/" + name)
    b.config["linux"]["maskedPaths"] = masked
    b.expect("cat /masked-file; ls /masked-dir; for f in /fifo /char /block; do test -e $f && cat $f; done; touch /masked-dir/x"
             " 2>/dev/null || echo refused", "refused")
    b.config["linux"]["maskedPaths"] = ["masked-file"]
    assert b.refused(), "a relative path"


def check_readonly_paths(b):
    os.makedirs(b.path + "/fixed-dir/sub")
    for path in ("fixed-file", "fixed-dir/sub/file"):
        pathlib.Path(b.path, path).write_text("immutable")
    paths = ["/fixed-dir", "/fixed-file", "/fixed-dir/sub", "/fixed-dir/sub/file", "/not/there"]
    if is_root():
        for name, kind in (("fifo", 0o010666), ("char", 0o020666), ("block", 0o060666)):
            os.mknod(f"{b.path}/{name}", kind, 0)
            paths.append("/" + name)
    b.config["linux"]["readonlyPaths"] = paths
    b.expect("for f in /fixed-dir/x /fixed-dir/sub/x; do touch $f 2>/dev/null && echo $f; done;"
             "for f in /fixed-file /fixed-dir/sub/file; do (echo x >> $f) 2>/dev/null && echo $f; done; cat /fixed-file", "immutable")
    b.config["linux"]["readonlyPaths"] = ["fixed-file"]
    assert b.refused(), "a relative path"


def check_rootfs_propagation(b):
    add_admin(b)
    script = ("mkdir -p /outer /bind /outer/here && mount --bind / /bind && mount -t tmpfs t /outer/here && touch /outer/here/seen &&"
              " { test -e /bind/outer/here/seen && echo seen || echo hidden; }")
    for kind, outcome in (("shared", "seen"), ("slave", "hidden"), ("private", "hidden"), ("rprivate", "hidden")):
        b.config["linux"]["rootfsPropagation"] = kind
        b.expect(script, outcome)
    b.config["linux"]["rootfsPropagation"] = "unbindable"
    b.expect("mkdir -p /bind; mount --bind / /bind 2>/dev/null || echo refused", "refused")
    b.config["linux"]["rootfsPropagation"] = "nonsense"
    assert b.refused()


def check_seccomp(b):
    b.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
        {"names": ["sync"], "action": "SCMP_ACT_KILL_PROCESS"}]}
    text = b.run("mkdir /x 2>&1; sync; echo $?")
    assert "not supported" in text and text.endswith("159\n"), text
    for bad in ({"defaultAction": "SCMP_ACT_NONSENSE"}, {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NO"]}):
        b.config["linux"]["seccomp"] = bad
        assert b.refused(), bad


def check_sysctl(b):
    b.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1", "net/ipv4/ip_default_ttl": "77"}
    b.expect("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_default_ttl", "1 1 77")
    b.config["linux"]["sysctl"] = {"net.no.such": "1"}
    assert b.refused()


# --- control groups

def group_file(b, controller, name):
    base = pathlib.Path("/sys/fs/cgroup", controller)
    if not base.is_dir():
        raise Skip(f"no {controller} hierarchy of cgroup v1 here")
    path = pathlib.Path(f"{base}{os.path.join('/', b.config['linux']['cgroupsPath'])}", name)
    if not path.exists() and not (base / name).exists() and not list(base.glob("*/" + name)):
        raise Skip(f"this kernel has no {name}")
    return path.read_text().strip()


def with_limits(b, limits, expected):
    needs_root()
    for path in ("/oci-checks/" + b.id, "oci-checks-" + b.id):
        b.config["linux"]["cgroupsPath"] = path
        b.config["linux"]["resources"].update(limits)
        b.create()
        try:
            for (controller, name), value in expected.items():
                seen = group_file(b, controller, name)
                assert seen == value, f"{path}: {name} is {seen}, not {value}"
        finally:
            b.end(keep=True)
    for path in pathlib.Path("/sys/fs/cgroup").glob("*/oci-checks"):
        path.rmdir()


def check_cgroups_cpus(b):
    last = os.cpu_count() - 1
    for quota, cpus in ((50000, "0"), (200000, f"0-{last}" if last else "0")):
        with_limits(b, {"cpu": {"shares": 2048, "period": 100000, "quota": quota, "cpus": cpus, "mems": "0"}},
                    {("cpu", "cpu.shares"): "2048", ("cpu", "cpu.cfs_quota_us"): str(quota), ("cpu", "cpu.cfs_period_us"): "100000",
                     ("cpuset", "cpuset.cpus"): cpus, ("cpuset", "cpuset.mems"): "0"})


def check_cgroups_memory(b):
    limit = 50593792
    with_limits(b, {"memory": {"limit": limit, "reservation": limit, "swap": limit, "swappiness": 50, "disableOOMKiller": False,
                               "kernelTCP": limit}},
                {("memory", "memory.limit_in_bytes"): str(limit), ("memory", "memory.soft_limit_in_bytes"): str(limit),
                 ("memory", "memory.memsw.limit_in_bytes"): str(limit), ("memory", "memory.swappiness"): "50",
                 ("memory", "memory.kmem.tcp.limit_in_bytes"): str(limit)})


def check_cgroups_pids(b):
    with_limits(b, {"pids": {"limit": 1000}}, {("pids", "pids.max"): "1000"})


def check_cgroups_devices(b):
    rules = [{"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"},
             {"allow": True, "type": "b", "major": 8, "minor": 20, "access": "rw"},
             {"allow": True, "type": "b", "major": 10, "minor": 200, "access": "r"}]
    needs_root()
    b.config["linux"]["cgroupsPath"] = "/oci-checks-" + b.id
    b.config["linux"]["resources"]["devices"] += rules
    b.create()
    seen = group_file(b, "devices", "devices.list").splitlines()
    assert {"c 10:229 rwm", "b 8:20 rw", "b 10:200 r"} <= set(seen) and "a *:* rwm" not in seen, seen


def check_cgroups_blkio(b):
    with_limits(b, {"blockIO": {"throttleReadBpsDevice": [{"major": 254, "minor": 0, "rate": 102400}]}},
                {("blkio", "blkio.throttle.read_bps_device"): "254:0 102400"})


def check_cgroups_hugetlb(b):
    b.config["linux"]["resources"]["hugepageLimits"] = [{"pageSize": "3MB", "limit": 300 << 20}]
    assert b.refused(), "pages that this machine does not have"
    with_limits(b, {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 << 30}]}, {("hugetlb", "hugetlb.2MB.limit_in_bytes"): str(2 << 30)})


def check_cgroups_network(b):
    with_limits(b, {"network": {"classID": 255}}, {("net_cls", "net_cls.classid"): "255"})


def check_personality(b):
    if platform.machine() != "x86_64":
        raise Skip("not x86-64")
    b.config["linux"]["personality"] = {"domain": "LINUX32"}
    b.expect("busybox uname -m", "i686")
    b.config["process"]["args"] = ["sleep", "1000"]
    b.create()
    assert b.call("exec", b.id, "busybox", "uname", "-m") == (0, "i686\n"), "of another process"
