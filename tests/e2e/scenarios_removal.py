"""Removing: what a cut leaves is whole or gone, the next command sweeps it, and a full disk can be emptied."""
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import time

from harness import CONSORT, Skip, check, eventually, run
from image_tools import need

FILES = 120


def cut(world, call, when, *argv):
    """Runs consort and ends it with SIGKILL at the when-th such call of one of its threads. False: it never came to that."""
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"]
    done = subprocess.run([*strace, str(CONSORT), *argv], capture_output=True, text=True, cwd=world.project, env=world.env, timeout=120)
    check(done.returncode in (0, 137, -9), f"{argv} at {call} {when}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode != 0


def leftovers(world):
    """What is in the data root that no record can name."""
    data = pathlib.Path(world.data)
    found = [str(p) for p in data.glob("*/.trash/*") if p.name != "aside"] + [str(p) for p in data.glob("*/.trash/aside/*")]
    found += [str(p) for pattern in ("layers/draft-*", "ingest/work-*") for p in data.glob(pattern)]
    containers = {c["ID"] for c in world.ps_all()}
    found += [str(p) for p in data.glob("containers/*") if p.name != ".trash" and not any(p.name.startswith(c) for c in containers)]
    return found


def small_image(world, name="tiny:1", files=FILES):
    """An image of many files and little content, from nothing."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for i in range(files):
            entry = tarfile.TarInfo(f"f/{i % 7}/{i}")
            entry.size = 6
            archive.addfile(entry, io.BytesIO(b"hello\n"))
    world.write("Dockerfile.tiny", "FROM scratch\nADD tiny.tar /\nCMD [\"/none\"]\n")
    (world.project / "tiny.tar").write_bytes(tar.getvalue())
    world.write("build.yaml", f"services: {{t: {{image: '{name}', build: {{context: ., dockerfile: Dockerfile.tiny}}}}}}\n")
    world.consort("-f", "build.yaml", "build")
    return name


def scenario_a_cut_removal_leaves_a_whole_volume_or_none(world):
    """Wherever `down -v` is cut, the volume must be there whole or not at all, and the next command must leave nothing behind."""
    need("strace")
    world.use_fresh_store()
    image = small_image(world)
    world.write("compose.yaml", f"services: {{db: {{image: '{image}', volumes: ['data:/data']}}}}\nvolumes: {{data: }}\n")
    data = pathlib.Path(world.data) / f"volumes/{world.project_name}_data/_data"
    names = {f"{i}" for i in range(FILES)}

    def fill():
        world.consort("up", "--no-start")
        have = set(os.listdir(data))
        check(have in (set(), names | {"deep"}), f"a part of the volume came back: {len(have)} entries")
        if not have:
            for name in names:
                (data / name).touch()
            os.makedirs(data / "deep/a/b/c")

    cuts = 0
    points = [("renameat2", n) for n in (1, 2, 3, 4)] + [("fsync", n) for n in (1, 2, 3, 5)] + [("unlinkat", n) for n in (1, 2, 60, FILES, FILES + 3)]
    for call, when in points:
        fill()
        cuts += cut(world, call, when, "down", "-v")
        world.consort("up", "--no-start")
        check(not leftovers(world), f"left after a cut at {call} {when}: {leftovers(world)}")
    check(cuts >= 8, f"only {cuts} of {len(points)} cuts took place")
    world.consort("down", "-v")
    check(not data.parent.exists(), "the volume is still there")


def scenario_files_without_a_record_are_no_volume(world):
    """A folder that holds files and that no record names must not become a new volume."""
    world.use_fresh_store()
    image = small_image(world, files=1)
    world.write("compose.yaml", f"services: {{db: {{image: '{image}', volumes: ['data:/data']}}}}\nvolumes: {{data: }}\n")
    data = pathlib.Path(world.data) / f"volumes/{world.project_name}_data/_data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15")
    ran = world.consort("up", "--no-start", status=1)
    check("contains files, but there is no record of such a volume" in ran.err and f"mv {data.parent} SOMEWHERE" in ran.err, str(ran))
    check((data / "PG_VERSION").exists(), "the files are gone")
    data.parent.rename(world.folder / "kept")
    world.consort("up", "--no-start")
    world.consort("down", "-v")


def scenario_any_depth_is_removed(world):
    """A volume and a container whose folders are nested deeper than there are descriptors must go; files that may not be changed, too."""
    world.use_fresh_store()
    image = small_image(world, files=1)
    world.write("compose.yaml", f"services: {{db: {{image: '{image}', volumes: ['data:/data']}}}}\nvolumes: {{data: }}\n")
    world.consort("up", "--no-start")
    data = pathlib.Path(world.data)
    places = [next(data.glob("volumes/*/_data")), next(data.glob("containers/*/upper"))]
    for place in places:
        here = os.open(place, os.O_RDONLY)
        for _ in range(1100):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        (place / "locked").write_text("x")
        run(["chattr", "+i", place / "locked"])
    done = run(["sh", "-c", f"ulimit -n 256; exec {CONSORT} down -v"], cwd=world.project, env=world.env)
    check(done.status == 0, str(done))
    check(not [p for place in ("volumes", "containers") for p in (data / place).iterdir() if p.name != ".trash"], "something is left")
    check(not leftovers(world), f"left: {leftovers(world)}")


def scenario_cut_image_commands_leave_nothing(world):
    """Wherever `image load`, `image rm` and `build` are cut, the next command must sweep what they left, and they must work again."""
    need("strace")
    world.use_fresh_store()
    image = small_image(world)
    archive = world.folder / "tiny.tar"
    world.consort("image", "save", "-o", str(archive), image)
    world.write("compose.yaml", "services: {other: {image: 'tiny:1'}}\n")

    def layers():
        return [p.name for p in (pathlib.Path(world.data) / "layers").iterdir() if p.name not in (".trash", "empty")]

    cuts = 0
    for call, when in (("unlinkat", 1), ("unlinkat", FILES // 2), ("renameat2", 1), ("fsync", 1)):
        cuts += cut(world, call, when, "image", "rm", "-f", image)
        world.consort("image", "load", "-i", archive)
        check(not leftovers(world), f"left by image rm, cut at {call} {when}: {leftovers(world)}")
    for call, when in (("mkdir", 1), ("mkdir", 4), ("openat", 60), ("rename", 1), ("rename", 2), ("syncfs", 1), ("fchmod", FILES)):
        world.consort("image", "rm", "-f", image, status=None)
        cuts += cut(world, call, when, "image", "load", "-i", str(archive))
        world.consort("up", "--no-start", "--pull", "never", status=None)
        world.consort("down")
        check(not leftovers(world), f"left by image load, cut at {call} {when}: {leftovers(world)}")
        world.consort("image", "load", "-i", archive)
    for call, when in (("mkdir", 2), ("fchmod", 50), ("rename", 1), ("fsync", 1)):
        cuts += cut(world, call, when, "-f", "build.yaml", "build", "--no-cache")
        world.consort("-f", "build.yaml", "build", "--no-cache")
        check(not leftovers(world), f"left by build, cut at {call} {when}: {leftovers(world)}")
    check(cuts >= 6, f"only {cuts} cuts took place")
    world.consort("image", "prune", "--all", "--force", "--build-cache")
    check(not layers(), f"layers are left: {layers()}")


def scenario_prune_tells_true_sizes(world):
    """What a cut load left must be counted by `image prune` with what it takes up."""
    world.use_fresh_store()
    world.consort("image", "ls")
    for place in ("layers/draft-left/diff", "ingest/work-left"):
        folder = pathlib.Path(world.data) / place
        folder.mkdir(parents=True)
        (folder / "big").write_bytes(os.urandom(3_000_000))
    ran = world.consort("image", "prune", "--force")
    check("Total reclaimed space: 6." in ran.out and "MB" in ran.out, str(ran))
    check(not leftovers(world), f"left: {leftovers(world)}")


class SmallDisk:
    """A file system in memory, or an ext4 in a file, for the data root, that can be filled to the last byte or inode."""

    def __init__(self, world, options, ext4=None):
        self.folder = world.folder / "disk"
        self.folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", options, "small", self.folder]
        if ext4:
            image = world.folder / "disk.ext4"
            with open(image, "wb") as file:
                file.truncate(ext4)
            if run(["mkfs.ext4", "-q", image]).status:
                raise Skip("no mkfs.ext4")
            mount = ["mount", "-o", "loop", image, self.folder]
        mounted = run(mount)
        if ext4 and mounted.status:
            raise Skip(f"cannot mount an ext4: {mounted.err}")
        check(mounted.status == 0, "cannot mount a small disk")
        world.use_roots(self.folder)
        world.env.update(CONSORT_DATA_ROOT=str(world.data), CONSORT_RUN_ROOT=str(world.run_root))

    def fill_bytes(self):
        with open(self.folder / "fill", "ab", buffering=0) as file:
            for size in (1 << 20, 4096, 512):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue

    def fill_inodes(self):
        os.makedirs(self.folder / "inodes", exist_ok=True)
        try:
            for i in range(1_000_000):
                (self.folder / f"inodes/{i}").touch()
        except OSError:
            pass

    def close(self):
        run(["umount", "-l", self.folder])


def scenario_a_full_disk_can_be_emptied(world):
    """At no free byte, and at no free inode, whatever stops or removes must work, and restart must not stop anything."""
    for what, options in (("bytes", "size=220m"), ("inodes", "size=400m,nr_inodes=12k")):
        archive = world.folder / "slim.tar"
        if not archive.exists():
            world.consort("image", "save", "-o", str(archive), "debian:bookworm-slim")
        world.folder.joinpath("disk").exists() and world.folder.joinpath("disk").rmdir()
        disk = SmallDisk(world, options)
        try:
            world.consort("image", "load", "-i", archive)
            world.write("compose.yaml", """
services:
  noisy: {image: "debian:bookworm-slim", command: sh -c 'while :; do echo line; sleep 0.2; done', restart: always}
  w: {image: "debian:bookworm-slim", command: sleep 1000, init: true, volumes: ["vol:/v"]}
volumes: {vol: }
""")
            world.consort("up", "-d")
            world.consort("volume", "create", "spare")
            disk.fill_bytes() if what == "bytes" else disk.fill_inodes()
            refused = world.consort("restart", "-t", "0", "w", status=1)
            why = "is full" if what == "bytes" else "inodes"
            check(why in refused.err and "image prune --all" in refused.err, f"does not say why and what to do:\n{refused}")
            check(world.service("w")["State"] == "running", f"restart stopped what it could not start ({what})")
            world.consort("stop", "-t", "1", "w")
            world.consort("down", "-v", "-t", "1")
            left = [p.name for place in ("containers", "volumes") for p in (world.data / place).iterdir() if p.name != ".trash"]
            check(left == ["spare"], f"{what}: left {left}")
            disk.fill_bytes() if what == "bytes" else disk.fill_inodes()
            world.consort("volume", "prune", "--all", "--force")
            check(not (world.data / "volumes/spare").exists(), f"{what}: the volume is left")
            disk.fill_bytes() if what == "bytes" else disk.fill_inodes()
            world.consort("image", "prune", "--force")
            world.consort("system", "prune", "--force")
            world.consort("image", "rm", "debian:bookworm-slim")
            check(not [p for p in (world.data / "layers").iterdir() if p.name not in (".trash", "empty")], f"{what}: layers are left")
            check(not leftovers(world), f"{what}: left {leftovers(world)}")
        finally:
            world.consort("down", "-v", "-t", "0", status=None)
            eventually("the supervisor ends", lambda: not world.supervisor_pids())
            disk.close()


def scenario_a_full_ext4_stops_nothing(world):
    """ext4 counts blocks as free that it gives to nobody: restart and up that makes anew must refuse before they stop anything."""
    archive = world.folder / "slim.tar"
    world.consort("image", "save", "-o", str(archive), "debian:bookworm-slim")
    disk = SmallDisk(world, "", ext4=220 << 20)
    try:
        world.consort("image", "load", "-i", archive)
        text = """
services:
  w: {image: "debian:bookworm-slim", command: sleep 1000, init: true, restart: always, environment: [A=1]}
"""
        world.write("compose.yaml", text)
        world.consort("up", "-d")
        disk.fill_bytes()
        before = world.service("w")["ID"]
        changed = text.replace("A=1", "A=2")
        for command in (["restart", "-t", "0", "w"], ["up", "-d", "-t", "0", "--force-recreate"], ["up", "-d", "-t", "0"]):
            if command == ["up", "-d", "-t", "0"]:
                world.write("compose.yaml", changed)
            refused = world.consort(*command, status=1)
            check("is full" in refused.err and "image prune --all" in refused.err, f"does not say why and what to do:\n{refused}")
            now = world.service("w")
            check(now["State"] == "running" and now["ID"] == before, f"{command} stopped what it could not start")
        world.consort("down", "-t", "0")
        world.consort("image", "prune", "--all", "--force")
    finally:
        world.consort("down", "-v", "-t", "0", status=None)
        eventually("the supervisor ends", lambda: not world.supervisor_pids())
        disk.close()


def scenario_a_cut_build_step_leaves_no_group(world):
    """The control group, the drafts and the processes of a RUN step must be gone after the command that follows a killed build."""
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN echo begun; sleep 300\n")
    world.write("compose.yaml", "services: {s: {build: ., image: never}}\n")
    groups = lambda: {str(p) for p in pathlib.Path("/sys/fs/cgroup").rglob("build-*") if p.is_dir() and "consort" in str(p)}
    before = groups()
    build = world.start("build", "--progress", "plain")
    eventually("the step runs", lambda: groups() - before)
    build.send_signal(signal.SIGKILL)
    build.wait()
    eventually("its processes are gone", lambda: not [g for g in groups() - before if pathlib.Path(g, "cgroup.procs").read_text().strip()])
    world.consort("down")
    check(not groups() - before, f"left: {groups() - before}")
    check(not list(pathlib.Path(world.data).glob("layers/draft-*")), "drafts are left")


def scenario_folders_of_ended_projects_do_not_pile_up(world):
    """The run root keeps what `events` tells of the latest projects, not of all that there ever were."""
    world.use_fresh_store()
    world.write("compose.yaml", "services: {s: {image: 'tiny:1'}}\n")
    for i in range(22):
        world.consort("-p", f"ended{i}", "down")
    folders = list((world.run_root / "projects").iterdir())
    check(len(folders) <= 17, f"{len(folders)} folders")
    check((world.run_root / "projects/ended21").exists(), "the latest went")


def scenario_anonymous_volumes_can_be_found(world):
    """What a `down` keeps of anonymous volumes must be listed by `volumes`, and a later `down -v` must remove it."""
    world.use_fresh_store()
    image = small_image(world, files=1)
    world.write("compose.yaml", f"services: {{db: {{image: '{image}', volumes: [/data]}}}}\n")
    world.consort("up", "--no-start")
    check(world.consort("volumes", "-q").out == "", "a volume of a container that is there is listed")
    world.consort("down")
    left = world.consort("volumes", "-q").out.split()
    check(len(left) == 1 and len(left[0]) == 64, f"listed: {left}")
    world.consort("down", "-v")
    check(world.consort("volumes", "-q").out == "", "it is still there")
    check(not [p for p in (world.data / "volumes").iterdir() if p.name != ".trash"], "its folder is still there")


def scenario_a_log_in_trouble_is_told(world):
    """While a log cannot be rotated, `ps` must say so, `events` when it begins and ends, and no line may be lost."""
    world.write("compose.yaml", """
services:
  talker:
    image: debian:bookworm-slim
    command: ["sh", "-c", "i=0; while :; do i=$$((i+1)); echo line $$i of a log; sleep 0.02; done"]
    init: true
    logging: {options: {max-size: 1k, max-file: "2"}}
""")
    world.consort("up", "-d")
    bundle = next(world.data.glob("containers/*/log")).parent
    eventually("the log was rotated", lambda: (bundle / "log.1").exists())

    def status():
        return world.service("talker")["Status"]

    def told():
        return [json.loads(line)["action"] for line in world.consort("events", "--json", "--since", "1h", "--until", f"{time.time():.6f}").out.splitlines()]

    def put_in_the_way():
        (bundle / "log.1").unlink()
        (bundle / "log.1" / "full").mkdir(parents=True)
        return True

    eventually("a folder is in the way", put_in_the_way)
    eventually("ps tells", lambda: "(log: not rotated)" in status())
    check(any(action.startswith("log_failing: ") for action in told()), str(told()))
    shutil.rmtree(bundle / "log.1")
    eventually("ps tells that it is over", lambda: "log:" not in status())
    check("log_written" in told(), str(told()))
    numbers = [int(line.split()[-4]) for line in world.consort("logs", "--no-log-prefix", "talker").out.splitlines()]
    check(numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"lines are missing: {numbers}")
