"""Volumes and networks of the machine, without a project."""
import io
import json
import tarfile

from harness import CONSORT, check, eventually, run
from ports import free_port

IMAGE = "debian:bookworm-slim"


def scenario_volumes_of_the_machine(world):
    check(world.consort("volume", "create", "--label", "for=test", "machine1").out == "machine1\n", "its name")
    check(world.consort("volume", "create", "machine1").out == "machine1\n", "there already: the same one")
    known = json.loads(world.consort("volume", "inspect", "machine1").out)[0]
    check(known["Name"] == "machine1" and known["Driver"] == "local" and known["Labels"] == {"for": "test"}, str(known))
    check(world.consort("volume", "ls", "-q", "--filter", "label=for=test").out == "machine1\n", "by label")
    check("machine1" not in world.consort("volume", "ls", "-q", "--filter", "dangling=false").out, "nobody uses it")
    world.write("compose.yaml", f"""
services:
  web:
    image: {IMAGE}
    command: sh -c 'id -u > /data/owner; mkdir -p /data/sub; chmod 700 /data/sub; echo text > /data/sub/file; chown 33:33 /data/sub/file'
    volumes: ["machine1:/data"]
volumes: {{machine1: {{external: true}}}}
""")
    world.consort("up")
    ran = world.consort("volume", "rm", "machine1", status=1)
    check("volume is in use" in ran.err, str(ran))
    world.consort("down")
    # Out, into another one, and a copy: owners, modes and content are the same.
    archive = world.folder / "data.tar"
    world.consort("volume", "export", "-o", archive, "machine1")
    with tarfile.open(archive) as tar:
        entry = next(each for each in tar if each.name.removeprefix("./") == "sub/file")
        check(entry.uid == 33 and tar.extractfile(entry).read() == b"text\n", str(entry))
    check(world.consort("volume", "import", "machine2", archive).out == "machine2\n", "its name")
    check(world.consort("volume", "clone", "machine2", "machine3").out == "machine3\n", "its name")
    file = world.data / "volumes/machine3/_data/sub/file"
    owner = run([CONSORT, "internal", "enter", "stat", "-c", "%u", file], env=world.env).out  # as root, or who is root in a namespace
    check(file.read_text() == "text\n" and owner == "33\n" and file.parent.stat().st_mode & 0o777 == 0o700, f"{owner} {file.stat()}")
    # What is there is not overwritten; what is no archive leaves nothing.
    check("is not empty" in world.consort("volume", "import", "machine2", archive, status=1).err, "not empty")
    check("already exists" in world.consort("volume", "clone", "machine1", "machine2", status=1).err, "there already")
    (world.folder / "no.tar").write_bytes(io.BytesIO(b"no archive" * 100).getvalue())
    world.consort("volume", "import", "machine4", world.folder / "no.tar", status=1)
    check("machine4" not in world.consort("volume", "ls", "-q").out, "half-made")
    ran = world.consort("volume", "rm", "machine1", "nosuch", "machine2", status=1)
    check(ran.out == "machine1\nmachine2\n" and "no such volume" in ran.err, str(ran))
    check("Would remove: machine3" in world.consort("volume", "prune", "--all", "--dry-run").out, "prune's plan")
    world.consort("volume", "rm", "machine3")


def scenario_networks_of_the_machine(world):
    made = world.consort("network", "create", "--subnet", "10.99.7.0/24", "--label", "for=test", "machinenet").out
    check(len(made.strip()) == 64, made)
    check("already exists" in world.consort("network", "create", "machinenet", status=1).err, "twice")
    known = json.loads(world.consort("network", "inspect", "machinenet").out)[0]
    check(known["Id"] == made.strip() and known["IPAM"]["Config"] == [{"Subnet": "10.99.7.0/24", "Gateway": "10.99.7.1"}], str(known))
    listed = world.consort("network", "ls").out
    check(listed.startswith("NETWORK ID") and all(f" {name} " in listed for name in ("machinenet", "host", "none")), listed)
    world.write("compose.yaml", f"""
services:
  web: {{image: "{IMAGE}", command: sleep 1000, init: true, networks: [machinenet]}}
networks: {{machinenet: {{external: true}}}}
""")
    world.consort("up", "-d")
    known = json.loads(world.consort("network", "inspect", "machinenet").out)[0]
    check([each["IPv4Address"] for each in known["Containers"].values()] == ["10.99.7.2/24"], str(known))
    check("active endpoints" in world.consort("network", "rm", "machinenet", status=1).err, "in use")
    check("machinenet" not in world.consort("network", "prune", "--dry-run").out, "in use")
    world.consort("down")
    check("machinenet" in world.consort("network", "prune", "--dry-run").out, "unused")
    check(world.consort("network", "rm", "machinenet").out == "machinenet\n", "its name")
    check(world.consort("network", "rm", "machinenet", status=1).err.count("not found") == 1, "gone")


def scenario_containers_by_name_from_anywhere(world):
    port = free_port()
    world.write("compose.yaml", f"""
services:
  db:
    image: {IMAGE}
    container_name: byname_database
    init: true
    command: sh -c 'echo told; exec sleep 1000'
    ports: ["127.0.0.1:{port}:80"]
  web: {{image: "{IMAGE}", command: sleep 1000, init: true, scale: 2}}
""")
    world.consort("up", "-d")
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    home = {"COMPOSE_PROJECT_NAME": ""}
    project = world.project_name

    def there(*argv, **options):
        return world.consort(*argv, cwd=elsewhere, env=home, **options)

    check(there("exec", "-T", "byname_database", "echo", "hello").out == "hello\n", "without a file")
    eventually("its log", lambda: "told" in there("logs", "byname_database").out)
    check("sleep" in there("top", "byname_database").out, "its processes")
    check(there("port", "byname_database").out.splitlines() == [f"80/tcp -> 127.0.0.1:{port}"], "its ports")
    check("requires at least 2 arg(s)" in world.consort("port", "web", status=1).err, "of a service, which port")
    check(there("ps", "-q", "byname_database").out.strip()[:12].isalnum(), "one container")
    there("cp", "byname_database:/etc/hostname", "copied")
    check((elsewhere / "copied").exists(), "copied")
    check("no configuration file provided" in there("exec", "-T", "nosuch", "true", status=1).err, "nobody")
    # With a file of another project, which has no such service.
    (elsewhere / "compose.yaml").write_text(f"services: {{other: {{image: \"{IMAGE}\"}}}}\n")
    check(there("exec", "-T", "byname_database", "echo", "hello").out == "hello\n", "beside another project's file")
    check("no such service: nosuch" in there("stop", "nosuch", status=1).err, "neither")
    # One replica alone.
    there("stop", "-t", "0", f"{project}-web-2")
    states = {each["Name"]: each["State"] for each in map(json.loads, world.consort("ps", "-a", "--format", "json").out.splitlines())}
    check(states == {"byname_database": "running", f"{project}-web-1": "running", f"{project}-web-2": "exited"}, str(states))
    ran = there("exec", "-T", f"{project}-web-2", "true", status=1)
    check("is not running" in ran.err, str(ran))
    there("start", f"{project}-web-2")
    check(world.consort("ps", "-q", "web").out.count("\n") == 2, "both run again")
