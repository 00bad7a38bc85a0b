"""Images for several platforms, and services that share a build."""
import json
import platform
import tarfile

from harness import check, run
from image_tools import ApiRegistry, need

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
FOREIGN = "arm64" if ARCHITECTURE != "arm64" else "amd64"
NATIVE_PLATFORM, FOREIGN_PLATFORM = f"linux/{ARCHITECTURE}", f"linux/{FOREIGN}"

# What compiles for another machine runs on this one; what is copied needs nobody to run it.
CROSS = """FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS build
RUN echo once >> /steps
ARG TARGETARCH TARGETPLATFORM BUILDPLATFORM
RUN echo "$BUILDPLATFORM $TARGETPLATFORM $TARGETARCH" > /made
FROM scratch
COPY --from=build /made /steps /
"""


def compose(name):
    return f"""services:
  app:
    image: {name}
    build:
      context: .
      platforms: [{FOREIGN_PLATFORM}, {NATIVE_PLATFORM}]
"""


def image_id(world, name, *flags):
    return json.loads(world.consort("image", "inspect", *flags, name).out)[0]["Id"]


def file_of(world, name, architecture, path):
    """A file of the image, as an archive of this platform alone has it."""
    target = world.folder / f"{architecture}.tar"
    world.consort("image", "save", "--platform", f"linux/{architecture}", "-o", target, name)
    with tarfile.open(target) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))
        check(config["architecture"] == architecture, f"an image for {config['architecture']} instead of {architecture}")
        for layer in reversed(manifest["Layers"]):
            with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                if path in files.getnames():
                    return files.extractfile(path).read().decode()
    return None


def scenario_platforms_build_push_and_pull(world):
    """Each of build.platforms must be built, pushed under one index, and come back for each platform."""
    need("docker-registry")
    need("skopeo")
    registry = ApiRegistry(world.folder / "registry")
    try:
        name = f"{registry.host}/team/cross:1"
        world.write("Dockerfile", CROSS)
        world.write("compose.yaml", compose(name))
        built = world.consort("--progress", "plain", "build", "--no-cache")
        check(built.err.count("RUN echo once") + built.out.count("RUN echo once") == 1, f"a step was run twice:\n{built}")
        ids = {a: image_id(world, name, "--platform", f"linux/{a}") for a in (ARCHITECTURE, FOREIGN)}
        check(ids[ARCHITECTURE] != ids[FOREIGN], "both platforms have one image")
        check(image_id(world, name) == ids[ARCHITECTURE], "the name means another machine's image")
        rows = [r for r in map(json.loads, world.consort("image", "ls", "--format", "json").out.splitlines()) if r["Repository"].endswith("/cross")]
        check([r["Platform"] for r in rows] == [NATIVE_PLATFORM, FOREIGN_PLATFORM], f"image ls: {rows}")
        for each in (ARCHITECTURE, FOREIGN):
            made = file_of(world, name, each, "made")
            check(made == f"{NATIVE_PLATFORM} linux/{each} {each}\n", f"for {each}: {made!r}")

        world.consort("push")
        raw = run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"])
        check(raw.status == 0, str(raw))
        index = json.loads(raw.out)
        check(index["mediaType"] == "application/vnd.oci.image.index.v1+json", raw.out)
        check([m["platform"]["architecture"] for m in index["manifests"]] == [ARCHITECTURE, FOREIGN], raw.out)
        for each in (ARCHITECTURE, FOREIGN):
            seen = run(["skopeo", "--override-arch", each, "inspect", "--config", "--tls-verify=false", f"docker://{name}"])
            check(seen.status == 0 and json.loads(seen.out)["architecture"] == each, str(seen))

        world.consort("image", "rm", name)
        left = world.consort("image", "ls", "-q").out
        check(not any(i[7:] in left for i in ids.values()), "the other platform's image stayed without its name")
        world.use_fresh_store()
        world.consort("image", "pull", "--platform", FOREIGN_PLATFORM, name)
        check(image_id(world, name) == ids[FOREIGN], "another image came back")
        world.consort("image", "pull", name)
        check(image_id(world, name) == ids[ARCHITECTURE], "another image came back")
        check(image_id(world, name, "--platform", FOREIGN_PLATFORM) == ids[FOREIGN], "one platform drove the other away")
        # Both are of this machine now: nobody is asked.
        registry.close()
        world.write("again/Dockerfile", f"FROM --platform={FOREIGN_PLATFORM} {name} AS foreign\nFROM {name}\nCOPY --from=foreign /made /foreign\n")
        world.write("compose.yaml", "services: {again: {build: again}}\n")
        world.consort("build")
        copied = file_of(world, f"{world.project_name}-again", ARCHITECTURE, "foreign")
        check(copied == f"{NATIVE_PLATFORM} {FOREIGN_PLATFORM} {FOREIGN}\n", f"copied {copied!r}")
    finally:
        registry.close()


def scenario_platforms_in_archives(world):
    """An archive must hold all platforms of a name, for Consort and for skopeo."""
    need("skopeo")
    world.write("Dockerfile", CROSS)
    world.write("compose.yaml", compose("cross:1"))
    world.consort("build")
    ids = {a: image_id(world, "cross:1", "--platform", f"linux/{a}") for a in (ARCHITECTURE, FOREIGN)}
    archive = world.folder / "cross.tar"
    world.consort("image", "save", "--format", "oci", "-o", archive, "cross:1")
    for each in (ARCHITECTURE, FOREIGN):
        seen = run(["skopeo", "--override-arch", each, "inspect", "--config", f"oci-archive:{archive}"])
        check(seen.status == 0 and json.loads(seen.out)["architecture"] == each, str(seen))
    world.consort("image", "save", "-o", archive, "cross:1")
    world.consort("image", "rm", "cross:1")
    world.use_fresh_store()
    loaded = world.consort("image", "load", "-i", archive)
    check(loaded.out == "Loaded image: cross:1\n", str(loaded))
    for each, expected in ids.items():
        check(image_id(world, "cross:1", "--platform", f"linux/{each}") == expected, f"another image for {each}")
    world.consort("image", "tag", "cross:1", "copy:1")
    world.consort("image", "rm", "cross:1")
    check(image_id(world, "copy:1", "--platform", FOREIGN_PLATFORM) == ids[FOREIGN], "tag left a platform behind")


def scenario_platforms_up_runs_the_native_one(world):
    """up must build and run what this machine runs, also where the file lists several platforms."""
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN uname -m > /machine\n")
    world.write("compose.yaml", compose("one:1") + "    command: cat /machine\n")
    world.consort("up")
    check(world.consort("logs", "--no-log-prefix").out.strip() == platform.machine(), "another machine's program ran")
    world.consort("down", "--rmi", "all")


def scenario_builds_shared_by_services(world):
    """Two services with the same build must get one build, and each its own image with its own labels."""
    world.write("Dockerfile", "FROM debian:bookworm-slim AS base\nRUN echo base\nFROM base\nCOPY text /text\n")
    world.write("text", "x")
    world.write("compose.yaml", "services:\n  web: {build: .}\n  worker: {build: {context: ., labels: {a: b}}}\n"
                                "  other: {build: {context: ., args: {V: '1'}}}\n")
    built = world.consort("--progress", "plain", "build", "web", "worker")
    shown = built.out + built.err
    for once in ("load build definition", "load metadata", "RUN echo base", "COPY text"):
        check(shown.count(once) == 1, f"{once!r} is shown {shown.count(once)} times:\n{built}")
    for service in ("web", "worker"):
        check(f"[{service}] exporting to image" in shown, f"nothing is exported for {service}:\n{built}")
        check(f"{service}  Built" in shown or f"{service} Built" in shown, f"{service} is not built:\n{built}")
    inspected = {s: json.loads(world.consort("image", "inspect", f"{world.project_name}-{s}").out)[0] for s in ("web", "worker")}
    for service, image in inspected.items():
        labels = image["Config"]["Labels"]
        check(labels["com.docker.compose.service"] == service, f"{service}: {labels}")
        check(("a" in labels) == (service == "worker"), f"{service}: {labels}")
    check(inspected["web"]["RootFS"] == inspected["worker"]["RootFS"], "the files differ")
    check(inspected["web"]["Id"] != inspected["worker"]["Id"], "the labels are the same")
    # Nothing is old because another service's name came last.
    again = world.consort("up", "--no-start")
    check("older than its sources" not in again.err, str(again))
    world.consort("down", "--rmi", "local")
    world.write("Dockerfile", "FROM debian:bookworm-slim\nRUN exit 9\n")
    failed = world.consort("--progress", "plain", "build", "web", "worker", status=None)
    check(failed.status != 0 and failed.err.count("failed to solve") == 1, f"the failure is told for each service:\n{failed}")
