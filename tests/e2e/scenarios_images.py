"""Images: archives, history, commits, and the other tools that read them."""
import ctypes
import json
import os
import pathlib
import pty
import re
import select
import shlex
import subprocess
import tarfile
import time

from harness import CONSORT, Skip, check, run
from image_tools import ApiRegistry, CuttingProxy, need, noise, packed, refused, special, store_listing, tar_of

SLIM = "debian:bookworm-slim"


def in_user_namespace(base, argv, env):
    """Runs a command as root of a user namespace that holds 65536 ids from base on. Gives its status and output."""
    made, go = os.pipe(), os.pipe()
    out = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            check(ctypes.CDLL(None, use_errno=True).unshare(0x10000000) == 0, "unshare failed")  # CLONE_NEWUSER
            os.write(made[1], b"x")
            os.read(go[0], 1)
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            os.dup2(out[1], 1)
            os.dup2(out[1], 2)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)
    os.read(made[0], 1)
    for file in ("uid_map", "gid_map"):
        pathlib.Path(f"/proc/{pid}/{file}").write_text(f"0 {base} 65536\n")
    os.write(go[1], b"x")
    os.close(out[1])
    with open(out[0], errors="replace") as source:
        text = source.read()
    for end in (*made, *go):
        os.close(end)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def scenario_images_without_root(world):
    """In a user namespace, a layer with devices, foreign owners and whiteouts must unpack; an owner beyond the map must be named."""
    need("docker-registry")
    world.use_fresh_store()
    registry = ApiRegistry(world.folder / "registry")
    base = 200_000
    try:
        owned = tarfile.TarInfo("owned")
        owned.uid = owned.gid = 1234
        layer = tar_of(special("null", tarfile.CHRTYPE, major=1, minor=3), owned, ("sub/.wh.gone", b""))
        beyond = tarfile.TarInfo("far")
        beyond.uid = 70_000
        good = registry.put_image("rootless:1", [packed(layer)])
        bad = registry.put_image("rootless:2", [packed(tar_of(beyond))])
        root = world.folder / "rootless"
        root.mkdir()
        os.chown(root, base, base)
        os.chmod(world.folder, 0o755)
        env = {**world.env, "CONSORT_DATA_ROOT": f"{root}/data", "CONSORT_RUN_ROOT": f"{root}/run", "HOME": str(root)}

        def inside(*argv):
            return in_user_namespace(base, [str(CONSORT), *argv], env)

        status, out = inside("image", "pull", good)
        check(status == 0, f"status {status}: {out}")
        files = {p.name: p.lstat() for p in (root / "data/layers").glob("*/diff/**/*")}
        check("owned" in files and files["owned"].st_uid == base + 1234, f"the owner is wrong: {files.keys()}")
        check("null" not in files, "a device was made")
        check("gone" in files and files["gone"].st_rdev == 0, "the whiteout is missing")
        status, out = inside("image", "pull", bad)
        check(status == 1 and "70000" in out and "subuid" in out, f"status {status}: {out}")
    finally:
        registry.close()


def scenario_images_archives(world):
    """save, load, import, history, inspect, tag, rm and prune must do what their namesakes of docker do."""
    world.consort("image", "tag", SLIM, "example/kept:1")
    before = json.loads(world.consort("image", "inspect", SLIM).out)[0]
    docker, oci = world.project / "docker.tar", world.project / "oci.tar"
    world.consort("image", "save", "-o", docker, SLIM, "example/kept:1")
    world.consort("image", "save", "--format", "oci", "-o", oci, SLIM)
    refused(world, "image", "save", "-o", world.project / "none.tar", "no-such-image:1", says="No such image")
    check(not (world.project / "none.tar").exists(), "a failed save left a file")
    with tarfile.open(docker) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
    check(sorted(manifest[0]["RepoTags"]) == [SLIM, "example/kept:1"], f"names in the archive: {manifest}")
    world.consort("image", "rm", "example/kept:1")
    world.use_fresh_store()
    with open(docker) as source:
        loaded = world.consort("image", "load", stdin=source)
    check("Loaded image: example/kept:1" in loaded.out, str(loaded))
    check(json.loads(world.consort("image", "inspect", SLIM).out)[0]["Id"] == before["Id"], "another image was loaded")
    world.consort("image", "rm", SLIM, "example/kept:1")
    check(not store_listing(world) - {"layers/empty"}, f"left: {store_listing(world)}")
    world.consort("image", "load", "-q", "-i", oci)
    check(json.loads(world.consort("image", "inspect", SLIM).out)[0]["Id"] == before["Id"], "another image was loaded")
    broken = world.project / "broken.tar"
    broken.write_bytes(docker.read_bytes()[:1_000_000])
    listing = store_listing(world)
    refused(world, "image", "load", "-i", broken, says="ends in the middle|does not hold")
    check(store_listing(world) == listing, "a broken archive left something")
    rootfs = world.project / "rootfs.tar.gz"
    rootfs.write_bytes(packed(tar_of(("etc/motd", b"hello\n")))[0])
    made = world.consort("image", "import", "-c", 'CMD ["cat"]', "-c", "ENV A=1", "-m", "by hand", rootfs, "example/root:1").out.strip()
    described = json.loads(world.consort("image", "inspect", "example/root:1").out)[0]
    check(described["Id"] == made and described["Config"]["Cmd"] == ["cat"] and described["Comment"] == "by hand", f"{described}")
    check(world.consort("image", "inspect", "-f", "{{.Id}}", "example/root:1").out.strip() == made, "the template is wrong")
    check("by hand" in world.consort("image", "history", "example/root:1").out, "the history lacks the comment")
    plan = world.consort("image", "prune", "--all", "--dry-run").out
    check(re.search(r"remove +image +example/root:1 +[0-9.]+kB", plan), f"the plan does not say what it costs:\n{plan}")
    world.write("compose.yaml", f"services:\n  a: {{image: '{SLIM}', command: sleep 1000}}\n")
    world.consort("up", "-d")
    plan = world.consort("image", "prune", "--all", "--dry-run").out
    check(re.search(rf"keep +image +{SLIM} .*imagesarchives-a-1", plan), f"the plan does not say who needs it:\n{plan}")
    check(world.consort("image", "ls", "-q").out.count("\n") == 2, "the plan removed something")
    world.consort("image", "prune", "--all", "--force")
    check(world.consort("image", "ls", "-q").out.count("\n") == 1, "prune did not remove what nobody needs")
    refused(world, "image", "rm", SLIM, says="imagesarchives-a-1")
    world.consort("down", "-t", "0")


def scenario_images_history(world):
    """A long command must be cut to the width that Docker gives it, between two letters; with --no-trunc it stays whole."""
    world.write("app/Dockerfile", f"FROM scratch\nENV A={'é' * 60}\nENV B={'漢' * 60}\nENV C={'c' * 39}\n")
    world.write("compose.yaml", "services:\n  app: {build: app, image: 'example/history:1'}\n")
    world.consort("build", "app")

    def commands(*options):
        return world.consort("image", "history", *options, "--format", "{{.CreatedBy}}", "example/history:1").out.splitlines()

    check(commands() == [f"ENV C={'c' * 39}", f"ENV B={'漢' * 19}…", f"ENV A={'é' * 38}…"], f"cut: {commands()}")
    whole = commands("--no-trunc")
    check(whole == [f"ENV C={'c' * 39}", f"ENV B={'漢' * 60}", f"ENV A={'é' * 60}"], f"not cut: {whole}")


def scenario_images_commit_and_export(world):
    """commit must make an image of a container's changes, export an archive of all of it; neither may hold what was only mounted."""
    world.write("compose.yaml", f"services:\n  a: {{image: '{SLIM}', command: sleep 1000, environment: {{A: '1'}}, volumes: ['data:/data']}}\n"
                "  b: {image: 'example/made:1', command: cat /made}\nvolumes: {data: {}}\n")
    world.consort("up", "-d", "a")
    world.consort("exec", "-T", "a", "sh", "-c", "echo made > /made; rm /etc/issue; echo secret > /data/file; ln /made /second")
    ran = world.consort("commit", "-m", "as it is", "-a", "Jane", "-c", "LABEL x=y", "a", "example/made:1")
    check("Committed as sha256:" in ran.err, str(ran))
    image = json.loads(world.consort("image", "inspect", "example/made:1").out)[0]
    check(image["Author"] == "Jane" and image["Comment"] == "as it is" and image["Config"]["Labels"]["x"] == "y", f"{image}")
    check("A=1" in image["Config"]["Env"] and image["Config"]["Cmd"] == ["sleep", "1000"], f"{image['Config']}")
    check(world.service("a")["State"] == "running", "the container stays frozen")
    check(world.consort("run", "--rm", "-T", "b").out == "made\n", "the image lacks the change")
    ran = world.consort("run", "--rm", "-T", "b", "sh", "-c", "test ! -e /etc/issue && test ! -e /data/file && stat -c %h /made")
    check(ran.out == "2\n", str(ran))
    world.consort("export", "-o", "all.tar", "a")
    with tarfile.open(world.project / "all.tar") as archive:
        names = {name.removeprefix("./") for name in archive.getnames()}
    check({"made", "second", "bin", "usr/bin/env"} <= names and "etc/issue" not in names, f"{len(names)} names")
    check("data/file" not in names, "a volume's content was exported")
    world.consort("stop", "-t", "0", "a")
    refused(world, "export", "-o", "/nowhere/all.tar", "a", says="nowhere")
    world.consort("commit", "a")
    refused(world, "commit", "nope", "x:1", says="nope")
    plan = world.consort("system", "prune", "--all", "--dry-run").out
    check(f"Would remove: {SLIM}\n" in plan, f"only a container that would go before needs it:\n{plan}")
    world.consort("down", "-v", "-t", "0")
    world.consort("image", "rm", "example/made:1")
    plan = world.consort("system", "prune", "--dry-run").out
    dangling = world.consort("image", "ls", "-q", "--filter", "dangling=true").out.split()
    check(dangling and all(f"Would remove: {image[:12]}\n" in plan for image in dangling) and SLIM not in plan, f"not {dangling}:\n{plan}")
    world.consort("image", "prune", "-f")


def scenario_images_of_services(world):
    """pull and push of a project must follow --policy, --quiet, --include-deps, --ignore-pull-failures and pull_policy."""
    need("docker-registry")
    world.use_fresh_store()
    registry = ApiRegistry(world.folder / "registry")
    try:
        for name in ("web", "db", "never"):
            registry.put_image(f"{name}:1", [packed(tar_of((name, name.encode())))])
        at = registry.host
        world.write("compose.yaml", f"services:\n  web: {{image: '{at}/web:1', depends_on: [db]}}\n  db: {{image: '{at}/db:1'}}\n"
                    f"  no: {{image: '{at}/never:1', pull_policy: never}}\n  bad: {{image: '{at}/missing:1', profiles: [bad]}}\n")

        def names():
            return {line.split()[0].split("/")[1] for line in world.consort("image", "ls").out.splitlines()[1:]}

        quiet = world.consort("pull", "--quiet", "web")
        check(names() == {"web"} and not re.search("Downloading|Extracting", quiet.err), f"{names()}\n{quiet}")
        world.consort("pull", "--include-deps", "web")
        check(names() == {"web", "db"}, f"--include-deps: {names()}")
        world.consort("pull")
        check(names() == {"web", "db"}, f"pull_policy: never was pulled: {names()}")
        check(world.consort("pull", "--policy", "missing", "web", "db").err.count("Skipped") == 2, "--policy missing pulled")
        world.consort("pull", "--policy", "bogus", status=1)
        failed = world.consort("--profile", "bad", "pull", status=None)
        check(failed.status == 1 and "missing:1" in failed.err, str(failed))
        check(world.consort("--profile", "bad", "pull", "--ignore-pull-failures").status == 0, "the failure was not ignored")
        refused(world, "up", "--no-start", "no", says="No such image|never")
        world.consort("push", "db")
        world.consort("push", "--ignore-push-failures", "--quiet", "web")
    finally:
        registry.close()


def scenario_images_progress(world):
    """On a terminal a pull must show each layer's bytes while they come; elsewhere, plain lines."""
    need("docker-registry")
    world.use_fresh_store()
    registry = ApiRegistry(world.folder / "registry")
    try:
        registry.put_image("big:1", [packed(tar_of((f"f{i}", noise(12_000_000)))) for i in range(3)])
        slow = CuttingProxy(registry.host, 0, rate=10_000_000)  # a line as people have them: there is something to see
        name = f"{slow.host}/big:1"
        plain = world.consort("image", "pull", name)
        check("\x1b" not in plain.err and plain.err.count("Pull complete") == 3, str(plain))
        world.consort("image", "rm", name)
        master, slave = pty.openpty()
        env = {k: v for k, v in world.env.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
        child = subprocess.Popen([str(CONSORT), "image", "pull", name], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=world.project)
        os.close(slave)
        shown = b""
        end = time.monotonic() + 300
        while time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    data = os.read(master, 65536)
                except OSError:
                    break
                if not data:
                    break
                shown += data
            elif child.poll() is not None:
                break
        os.close(master)
        check(child.wait(timeout=120) == 0, shown.decode(errors="replace")[-2000:])
        text = shown.decode(errors="replace")
        check("\x1b[" in text, "no control characters on a terminal")
        check(re.search(r"Downloading.*MB/12MB", text) or re.search(r"[\d.]+MB/12", text), f"no bytes were shown:\n{text[-3000:]!r}")
        slow.close()
    finally:
        registry.close()


def scenario_images_skopeo(world):
    """skopeo must accept the OCI layout that save writes, and load must accept what skopeo copies."""
    need("skopeo")
    layout = world.project / "layout"
    layout.mkdir()
    world.consort("image", "save", "--format", "oci", "-o", "oci.tar", SLIM)
    with tarfile.open(world.project / "oci.tar") as archive:
        archive.extractall(layout)
    seen = run(["skopeo", "inspect", f"oci:{layout}"])
    check(seen.status == 0 and json.loads(seen.out)["Os"] == "linux", str(seen))
    for target in ("docker-archive", "oci-archive"):
        copy = world.project / f"{target}.tar"
        made = run(["skopeo", "copy", "--insecure-policy", f"oci:{layout}", f"{target}:{copy}:example/copied:{target}"])
        check(made.status == 0, str(made))
        world.consort("image", "load", "-i", copy)
    ids = {json.loads(world.consort("image", "inspect", name).out)[0]["Id"] for name in (SLIM, "example/copied:docker-archive")}
    check(len(ids) == 1, f"the image changed on the way: {ids}")
    for name in ("example/copied:docker-archive", "example/copied:oci-archive"):
        world.consort("image", "rm", name, status=None)


def scenario_images_with_docker(world):
    """An image that Consort built must run under Docker, one that Docker built under Consort; archives must pass both ways."""
    command = os.environ.get("CONSORT_TEST_DOCKER")
    if not command:
        raise Skip("CONSORT_TEST_DOCKER names no command that runs docker")
    docker = shlex.split(command)
    world.write("app/Dockerfile", f"FROM {SLIM}\nRUN mkdir -p /opt/app && echo from consort > /opt/app/file && ln -s file /opt/app/link && "
                "chown 1000:1000 /opt/app/file && chmod 4750 /opt/app/file && rm -f /etc/issue\nUSER 1000\nENV GREETING=hello\n"
                'CMD ["sh", "-c", "cat /opt/app/link; echo $GREETING $(id -u); test ! -e /etc/issue && echo gone; stat -c %a:%u /opt/app/file"]\n')
    world.write("compose.yaml", "services:\n  app: {build: app, image: 'example/by-consort:1'}\n  other: {image: 'example/by-docker:1'}\n")
    expected = "from consort\nhello 1000\ngone\n4750:1000\n"
    names = ["example/by-consort:1", "example/by-docker:1"]
    try:
        world.consort("build", "app")
        check(world.consort("run", "--rm", "-T", "app").out == expected, "it does not even run here")
        with open(world.project / "there.tar", "wb") as archive:
            subprocess.run([str(CONSORT), "image", "save", names[0]], env=world.env, stdout=archive, check=True)
        with open(world.project / "there.tar", "rb") as archive:
            loaded = subprocess.run([*docker, "load"], stdin=archive, capture_output=True, text=True)
        check(loaded.returncode == 0 and names[0] in loaded.stdout, f"{loaded}")
        ran = run([*docker, "run", "--rm", names[0]])
        check(ran.out == expected, str(ran))
        # Built by Docker on top of it, so that nothing need be pulled.
        made = subprocess.run([*docker, "build", "-q", "-t", names[1], "-"], text=True, capture_output=True, input=(
            f"FROM {names[0]}\nUSER root\nRUN echo from docker > /opt/app/file && rm /opt/app/link && mkdir -m 1777 /opt/shared && touch /etc/issue\n"
            'USER 1000\nCMD ["sh", "-c", "cat /opt/app/file; test ! -e /opt/app/link && stat -c %a /opt/shared; test -e /etc/issue && echo back"]\n'))
        check(made.returncode == 0, f"docker build: {made.stderr}")
        with open(world.project / "back.tar", "wb") as archive:
            subprocess.run([*docker, "save", names[1]], stdout=archive, check=True)
        with open(world.project / "back.tar") as archive:
            world.consort("image", "load", stdin=archive)
        expected = run([*docker, "run", "--rm", names[1]]).out
        check(expected == "from docker\n1777\nback\n", f"docker itself: {expected!r}")
        ran = world.consort("run", "--rm", "-T", "other")
        check(ran.out == expected, str(ran))
        ours = json.loads(world.consort("image", "inspect", names[1]).out)[0]["Id"]
        check(run([*docker, "image", "inspect", "-f", "{{.Id}}", names[1]]).out.strip() == ours, "the ids differ")
    finally:
        run([*docker, "rmi", "-f", *names])
        for name in names:
            world.consort("image", "rm", "-f", name, status=None)


def use_machine(world, name):
    """Another machine: a data root of its own."""
    world.use_roots(world.folder / name)
    world.env.update(CONSORT_DATA_ROOT=str(world.data), CONSORT_RUN_ROOT=str(world.run_root))


def scenario_images_build_cache_elsewhere(world):
    """What one machine built and exported must not be run again by another that imports it; a damaged cache must not stop a build."""
    need("docker-registry")
    registry = ApiRegistry(world.folder / "registry")
    ref, folder = f"{registry.host}/app:cache", world.folder / "exported"
    world.write("app/a", "one")
    world.write("app/Dockerfile", f"FROM {SLIM} AS make\nRUN head -c 9 /dev/urandom > /random && sleep 0.01\nFROM {SLIM}\nWORKDIR /srv\nCOPY a .\n"
                "RUN head -c 9 /dev/urandom > own\nCOPY --from=make /random .\n")

    def build(machine, *caches, dockerfile="Dockerfile", status=0):
        use_machine(world, machine)
        lines = "".join(f"      {name}: [{', '.join(json.dumps(text) for text in texts)}]\n" for name, texts in caches)
        world.write("compose.yaml", f"services:\n  app:\n    image: {registry.host}/app:1\n    build:\n      context: app\n"
                    f"      dockerfile: {dockerfile}\n{lines}")
        return world.consort("build", "--explain", "app", status=status)

    def image_id():
        return json.loads(world.consort("image", "inspect", f"{registry.host}/app:1").out)[0]["Id"]

    def must_be_imported(ran, source, steps=5):
        text = ran.out + ran.err
        imported = re.findall(r"^(\[.*): cached: it was imported from (.*)$", text, re.M)
        check(len(imported) == steps and {where for _, where in imported} == {source}, f"{steps} steps from {source}:\n{ran}")
        check(not re.search(r": run: ", text), f"a step was run:\n{ran}")
        check(f"importing cache manifest from {source}" in text, f"the import is not shown:\n{ran}")

    try:
        first = build("a", ("cache_to", [f"type=registry,ref={ref},mode=max", f"type=local,dest={folder},mode=max", "type=gha"]))
        check("exporting cache to registry" in first.out + first.err, str(first))
        check("cache_to of type gha is ignored" in first.err, str(first))
        made = image_id()
        must_be_imported(build("b", ("cache_from", [ref])), ref)
        check(image_id() == made, "another image")
        must_be_imported(build("c", ("cache_from", [f"type=local,src={folder}"])), f"local:{folder}")
        check(image_id() == made, "another image")

        # The records in an image that is pushed.
        world.write("app/Single", f"FROM {SLIM}\nCOPY a /a\nRUN head -c 9 /dev/urandom > /own\n")
        build("a", ("cache_to", ["type=inline"]), dockerfile="Single")
        inline = image_id()
        world.consort("push", "app")
        must_be_imported(build("d", ("cache_from", [f"{registry.host}/app:1"]), ("cache_to", ["type=inline"]), dockerfile="Single"), f"{registry.host}/app:1", 2)
        check(image_id() == inline, "another image")
        check("hello" in world.consort("run", "--rm", "-T", "app", "echo", "hello").out, "it does not run")
        world.consort("down")

        # Every layer of the cache is damaged, then nobody answers.
        manifest = json.load(registry.request("GET", "/v2/app/manifests/cache"))
        for layer in manifest["layers"]:
            file = registry.blob_file(layer["digest"])
            file.write_bytes(bytes(byte ^ 0x55 for byte in file.read_bytes()))
        damaged = build("e", ("cache_from", [ref]))
        check("cannot be used here" in damaged.out + damaged.err, f"the damage is not said:\n{damaged}")
        check(image_id() != made, "a damaged layer was taken")
        registry.close()
        gone = build("f", ("cache_from", [ref]), ("cache_to", [f"type=registry,ref={ref},ignore-error=true"]))
        check(re.search(r"importing cache manifest from .*\n#\d+ ERROR: ", gone.out + gone.err), str(gone))
        refused = build("f", ("cache_to", [f"type=registry,ref={ref}"]), status=None)
        check(refused.status != 0 and "export build cache" in refused.err, str(refused))
    finally:
        registry.close()


def scenario_a_part_of_an_image_is_mounted(world):
    """A volume of type image with a subpath must show that directory or file of it, read-only, and refuse what is not there."""
    mount = "{{type: image, source: 'debian:bookworm-slim', target: /part, image: {{subpath: {}}}}}"
    file = "services: {{a: {{image: 'debian:bookworm-slim', command: {}, volumes: [" + mount + "]}}}}\n"
    world.write("compose.yaml", file.format("sh -c 'cat /part/debian_version; touch /part/x'", "etc"))
    ran = world.consort("run", "--rm", "a", status=1)
    check(ran.out.startswith("12") and "Read-only" in ran.err, str(ran))
    world.write("compose.yaml", file.format("cat /part", "etc/debian_version"))
    check(world.consort("run", "--rm", "a").out.startswith("12"), "a file of it")
    world.write("compose.yaml", file.format("cat /part", "etc/nothing"))
    ran = world.consort("up", "-d", status=1)
    check("invalid image subpath: etc/nothing: no such file or directory" in ran.err and "compose.yaml:1" in ran.err, str(ran))
