"""Small things of every day that must be as they are with Docker Compose, or say why not."""
import json
import os
import subprocess

from harness import check, eventually, leaves_the_default_bridge, run

IMAGE = "debian:bookworm-slim"
SLEEPER = f'image: "{IMAGE}", command: sleep 1000, init: true'


def scenario_looking_needs_no_files(world):
    """A missing env_file or a clashing container_name must only stop those services, and never who looks at or stops what runs."""
    world.write("compose.yaml", f'services: {{good: {{{SLEEPER}, container_name: daily-one}}, '
                                f'bad: {{{SLEEPER}, container_name: daily-one, env_file: nosuch.env}}}}')
    both = world.consort("up", "-d", status=1)
    check('container name "daily-one" is already in use' in both.err, f"the clash is not told: {both.err}")
    world.consort("up", "-d", "good")
    check("daily-one" in world.consort("ps").out, "ps does not show what runs")
    for command in (["logs"], ["exec", "-T", "good", "true"], ["stop", "-t", "0"], ["start"], ["down", "-t", "0"]):
        world.consort(*command)
    missing = world.consort("up", "-d", "bad", status=1)
    check("nosuch.env" in missing.err, f"the missing file is not told: {missing.err}")


@leaves_the_default_bridge
def scenario_links_on_the_default_bridge(world):
    """A service with network_mode: bridge must reach what it links to by name."""
    world.write("compose.yaml", f'services: {{one: {{{SLEEPER}, network_mode: bridge}}, '
                                f'two: {{{SLEEPER}, network_mode: bridge, links: [one, "one:other"]}}}}')
    world.consort("up", "-d")
    own = world.consort("exec", "-T", "one", "hostname", "-i").out.split()[0]
    for name in ("one", "other"):
        found = world.consort("exec", "-T", "two", "getent", "hosts", name).out.split()
        check(found[:1] == [own], f"{name} is {found}, not {own}")
    # A container of another project, which has no network in common but this one.
    world.write("linked.yaml", f'services: {{three: {{{SLEEPER}, network_mode: bridge, external_links: [{world.project_name}-one-1, "{world.project_name}-one-1:far"]}}}}')
    other = ["-p", "dailylinked", "-f", "linked.yaml"]
    world.consort(*other, "up", "-d")
    for name in (f"{world.project_name}-one-1", "far"):
        found = world.consort(*other, "exec", "-T", "three", "getent", "hosts", name).out.split()
        check(found[:1] == [own], f"{name} is {found}, not {own}")
    world.consort(*other, "down", "-t", "0")
    world.consort("down", "-t", "0")
    if os.geteuid() != 0:
        return  # a user's networks are in that user's namespace, which typing does not make
    offered = {verb: world.consort("internal", "complete", "network", verb, "").out.split() for verb in ("inspect", "rm")}
    check("bridge" in offered["inspect"] and "bridge" not in offered["rm"], f"completed is {offered}")


def scenario_parts_of_images_and_volumes(world):
    """`subpath` must show that directory of an image as it is in the end, and of a volume what a dependency made there."""
    world.write("Dockerfile", f'FROM {IMAGE}\nRUN mkdir -p /a/deep && echo 1 > /a/deep/old && echo 1 > /a/deep/both\n'
                              'RUN rm /a/deep/old && echo 2 > /a/deep/both && echo 2 > /a/deep/new && ln -s a /link\n'
                              'RUN rm -r /a/deep/both && echo 3 > /a/deep/last\n')
    mount = "{type: image, source: daily-parts, target: /m, image: {subpath: SUB}}"
    world.write("compose.yaml", f"""
services:
  parts: {{image: daily-parts, build: ., profiles: [build]}}
  linked: {{image: "{IMAGE}", volumes: [{mount.replace("SUB", "link/deep")}]}}
  missing: {{image: "{IMAGE}", volumes: [{mount.replace("SUB", "a/nosuch")}]}}
  maker: {{image: "{IMAGE}", command: mkdir -p /v/sub/made, volumes: ["data:/v"]}}
  user:
    image: "{IMAGE}"
    command: ls /v
    volumes: [{{type: volume, source: data, target: /v, volume: {{subpath: sub}}}}]
    depends_on: {{maker: {{condition: service_completed_successfully}}}}
volumes: {{data: }}
""")
    world.consort("build", "parts")
    seen = world.consort("run", "--rm", "-T", "linked", "sh", "-c", "ls /m; cat /m/new").out.split()
    check(seen == ["last", "new", "2"], f"the image's directory shows {seen}")
    failed = world.consort("run", "--rm", "-T", "missing", "true", status=1)
    check("a/nosuch" in failed.err, f"the missing path is not named: {failed.err}")
    world.consort("up", "user")
    check("made" in world.consort("logs", "user").out, "the volume's part is not what the dependency made")
    world.consort("down", "-v", "-t", "0", "--remove-orphans")
    world.consort("image", "rm", "daily-parts")


def scenario_piped_files_and_builds(world):
    """A build whose Compose file comes through a pipe must run from a sealed program as any other, and warn once."""
    world.write("Dockerfile", f"FROM {IMAGE}\nRUN sleep 1000\n")
    told = world.project / "told"
    with open(told, "w", encoding="utf-8") as err:
        build = world.start("-f", "-", "up", "-d", stdin=subprocess.PIPE, stderr=err, stdout=err)
    build.stdin.write('services: {s: {build: ., environment: {A: "$NOT_SET_ANYWHERE"}}}\n')
    build.stdin.close()
    eventually("the step runs", lambda: "RUN sleep 1000" in told.read_text(encoding="utf-8"))
    check(os.statvfs(f"/proc/{build.pid}/exe").f_flag & os.ST_RDONLY, "the step's process can write to the program")
    build.terminate()
    build.wait(60)
    warnings = told.read_text(encoding="utf-8").count("NOT_SET_ANYWHERE")
    check(warnings == 1, f"warned {warnings} times")


def scenario_hooks_when_started_again(world):
    """`restart` must run pre_stop and post_start hooks, `start` post_start hooks, and `start --wait` wait until all is healthy."""
    world.write("compose.yaml", f"""
services:
  s:
    {{{SLEEPER}, volumes: [".:/w"], post_start: [{{command: sh -c "echo post >> /w/log"}}],
     pre_stop: [{{command: sh -c "echo pre >> /w/log"}}], healthcheck: {{test: test -e /w/go, interval: 1s, retries: 1000}}}}
""")
    log = world.project / "log"
    world.consort("up", "-d")
    world.consort("restart", "-t", "0")
    check(log.read_text().split() == ["post", "pre", "post"], f"up and restart ran {log.read_text().split()}")
    world.consort("stop", "-t", "0")
    late = world.consort("start", "--wait", "--wait-timeout", "1", status=1)
    check("not healthy after 1s" in late.err, late.err)
    world.consort("start", "--wait", "--wait-timeout", "-1", status=1)
    world.write("go", "")
    world.consort("start", "--wait")
    check(world.service("s")["Health"] == "healthy", "start --wait did not wait")
    check(log.read_text().split()[3:] == ["pre", "post"], f"stop and start ran {log.read_text().split()[3:]}")
    world.consort("down", "-t", "0")
    log.unlink()
    # Of a container of `run`, too: pre_stop only if somebody stops it.
    world.consort("run", "-d", "-T", "s")
    eventually("its hook has run", lambda: log.read_text().split() == ["post"])
    world.consort("down", "-t", "0", "--remove-orphans")
    check(log.read_text().split() == ["post", "pre"], f"run and down ran {log.read_text().split()}")


def scenario_hooks_are_shown_by_an_attached_up(world):
    """What post_start and pre_stop hooks write must stand among the lines of an attached `up`, to its last word."""
    world.write("compose.yaml", f"""
services:
  s: {{{SLEEPER}, post_start: [{{command: sh -c "echo out; echo err >&2; printf end"}}], pre_stop: [{{command: echo bye}}]}}
  job: {{image: "{IMAGE}", command: "true", depends_on: [s]}}
""")
    ran = world.consort("up", "--abort-on-container-exit")
    lines = {line.replace(" ", "") for line in ran.out.splitlines()}
    missing = {f"s-1->|{word}" for word in ("out", "err", "end", "bye")} - lines
    check(not missing, f"{missing} in:\n{ran.out}")
    # The environment names the project here, which need not be that of the file: as with Docker Compose.
    world.consort("-p", world.project_name, "pause", "nope", status=1)
    told = world.consort("pause", "nope")
    check("no such service: nope" in told.err, told.err)
    world.consort("down", "-t", "0")


def scenario_what_follows_a_change(world):
    """`config --hash` must print the label of the container, and who borrows volumes or a namespace must be made anew with the lender."""
    world.write("some.env", "A=1\n")
    world.write("compose.yaml", f"""
services:
  lender: {{{SLEEPER}, env_file: some.env, volumes: [/d], ipc: shareable}}
  borrower: {{{SLEEPER}, volumes_from: [lender]}}
  net: {{{SLEEPER}, network_mode: "service:lender"}}
  pid: {{{SLEEPER}, pid: "service:lender"}}
  ipc: {{{SLEEPER}, ipc: "service:lender"}}
  alone: {{{SLEEPER}}}
""")
    world.consort("up", "-d")
    label = "com.docker.compose.config-hash"
    labels = {c["Service"]: dict(l.split("=", 1) for l in c["Labels"].split(",") if "=" in l)[label] for c in world.ps_all()}
    printed = dict(line.split() for line in world.consort("config", "--hash", "*").out.splitlines())
    check(labels == printed, f"labels {labels}, config --hash {printed}")
    world.write("some.env", "A=2\n")
    changed = world.consort("up", "-d", "-t", "0")
    for service in ("borrower", "net", "pid", "ipc"):
        check(f"{service}-1  Recreated" in changed.err, f"{service} keeps what is gone:\n{changed.err}")
    check("alone-1  Recreated" not in changed.err, f"who borrows nothing was made anew:\n{changed.err}")
    again = world.consort("up", "-d")
    check("Recreate" not in again.err, f"the second up changes something:\n{again.err}")
    world.consort("down", "-t", "0", "-v")


def scenario_ports_routes_and_owners(world):
    """Ranges of `expose` must be listed, IPv6 must have a way out through the network that has it, an empty volume keep its owner."""
    world.write("compose.yaml", f"""
services:
  s: {{{SLEEPER}, expose: ["3000-3001/udp", "90"], networks: [a4, b6], blkio_config: {{weight: 300}}}}
  owner: {{image: "{IMAGE}", volumes: ["data:/v"], command: sh -c "chown 77:78 /v && chmod 700 /v"}}
  image: {{image: "{IMAGE}", volumes: ["data:/var/log"], command: stat -c "%a %u:%g" /var/log}}
networks: {{a4: , b6: {{enable_ipv6: true, ipam: {{config: [{{subnet: "fd00:51::/64"}}]}}}}}}
volumes: {{data: }}
""")
    world.consort("run", "--rm", "-T", "owner")
    owner = world.consort("run", "--rm", "-T", "image").out.strip()
    check(owner == "700 77:78", f"the volume has become {owner}")
    up = world.consort("up", "-d", "s")
    group = "/sys/fs/cgroup/blkio/blkio.weight /sys/fs/cgroup/blkio/blkio.bfq.weight /sys/fs/cgroup/io.weight"
    weights = world.consort("exec", "-T", "s", "sh", "-c", f"cat {group} 2>/dev/null; true").out.split()
    obeyed = bool({"300", str(1 + (300 - 10) * 9999 // 990)} & set(weights))
    check(obeyed != ("Weight discarded" in up.err), f"the weight is {weights}, and up says\n{up.err}")
    check(world.service("s")["Ports"] == "90/tcp, 3000-3001/udp", f"ps shows {world.service('s')['Ports']}")
    routes = world.consort("exec", "-T", "s", "cat", "/proc/net/ipv6_route").out
    way_out = [line for line in routes.splitlines() if line.startswith("0" * 32 + " 00") and line.split()[-1] != "lo"]
    check(way_out, f"no IPv6 default route:\n{routes}")
    # The network is still in use: said once, and nothing else.
    world.write("other.yaml", f'services: {{o: {{{SLEEPER}, networks: [n]}}}}\n'
                              f'networks: {{n: {{external: true, name: {world.project_name}_a4}}}}')
    world.consort("-p", "dailyother", "-f", "other.yaml", "up", "-d")
    down = world.consort("down", "-t", "0", "-v")
    told = [line.split("  ")[1] for line in down.err.splitlines() if f"{world.project_name}_a4" in line]
    check(told == ["Removing", "Resource is still in use"], f"down says {told}")
    world.consort("-p", "dailyother", "-f", "other.yaml", "down", "-t", "0")
    world.consort("down", "-t", "0", "-v")


def scenario_sources_that_are_mounted(world):
    """An image older than its sources must be told, but not where the sources are mounted over it."""
    for folder in ("other/", ""):
        world.write(f"{folder}Dockerfile", f"FROM {IMAGE}\nCOPY a.txt /app/\n")
        world.write(f"{folder}a.txt", "1")
    world.write("other/compose.yaml", "services: {s: {build: .}}")
    other = ["-p", "sourceselsewhere", "-f", "other/compose.yaml"]
    world.consort(*other, "build")
    for name, volumes in (("mounted", '[".:/app"]'), ("copied", "[]")):
        world.write(f"{name}.yaml", f"services: {{s: {{build: ., command: sleep 1000, init: true, volumes: {volumes}}}}}")
    world.consort("-f", "mounted.yaml", "up", "-d")
    world.write("a.txt", "22")
    for name, told in (("mounted", False), ("copied", True)):
        again = world.consort("-f", f"{name}.yaml", "up", "-d", "-t", "0")
        check(("older than its sources" in again.err) == told, f"{name}:\n{again.err}")
    world.consort("-f", "copied.yaml", "down", "-t", "0", "--rmi", "local")
    world.consort(*other, "down", "--rmi", "local")


def scenario_flags_and_platforms(world):
    """Docker's spellings of flags must be taken, and platforms that a build does not make refused before anything is built."""
    world.write("Dockerfile", f"FROM {IMAGE}\n")
    world.write("compose.yaml", f'services: {{s: {{image: "{IMAGE}", labels: {{a: b}}}}, '
                                'b: {image: daily-nosuch, build: {context: ., platforms: [linux/amd64, linux/arm64]}}}')
    seen = world.consort("run", "--rm", "-T", "--volumes", f"{world.project}:/w", "--labels", "x=y", "--no-tty", "s", "ls", "/w")
    check("compose.yaml" in seen.out, seen.out)
    default = world.consort("build", "b", env={"DOCKER_DEFAULT_PLATFORM": "linux/riscv64"}, status=1)
    check("build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: linux/riscv64" in default.err, default.err)
    classic = world.consort("build", "b", env={"DOCKER_BUILDKIT": "0"}, status=1)
    check("the classic builder doesn't support multi-arch build" in classic.err, classic.err)
    pulled = world.consort("pull", "b", status=1)
    check("must be built from source" in pulled.err and "build b" in pulled.err, f"no hint: {pulled.err}")
    world.consort("pull", "--ignore-pull-failures", "b")
    world.write("empty.yaml", "networks: {n: }\nvolumes: {v: }\n")
    made = world.consort("-f", "empty.yaml", "--all-resources", "up", "-d")
    check("_n  Created" in made.err and "_v  Created" in made.err, f"nothing is made: {made.err}")
    world.consort("-f", "empty.yaml", "--all-resources", "down", "-v")
    world.consort("down", "-t", "0")


def scenario_a_dependency_may_take_as_long_as_wait_timeout_says(world):
    """`up --wait-timeout` must bound the wait for dependencies without --wait as well, attached or not."""
    world.write("compose.yaml", f"""
services:
  db: {{{SLEEPER}, healthcheck: {{test: "false", interval: 100s, retries: 1000, start_period: 1000s}}}}
  web: {{{SLEEPER}, depends_on: {{db: {{condition: service_healthy}}}}}}
""")
    for way in (["--menu=false"], ["-d"]):
        late = world.consort("up", *way, "--wait-timeout", "1", status=1)
        check("timeout waiting for dependencies" in late.err and "-db-1 is not healthy yet" in late.err, str(late))
        check(world.service("db")["State"] == "running" and world.service("web")["State"] == "created", str(world.ps()))
    world.consort("down", "-t", "0")
    world.write("compose.yaml", f"""
services:
  db: {{image: "{IMAGE}", command: "false", restart: always}}
  web: {{{SLEEPER}, depends_on: {{db: {{condition: service_healthy}}}}}}
""")
    late = world.consort("up", "-d", "--wait-timeout", "1", status=1)
    check("-db-1 " in late.err and "healthy yet" not in late.err, f"nothing looks at its health: {late}")
    world.consort("down", "-t", "0")


def scenario_a_mounted_image_that_is_built_anew_is_mounted_anew(world):
    """A container that mounts an image must be made anew when the image's name means another one, and only then."""
    world.write("compose.yaml", f"""
services:
  site: {{image: daily-site, build: {{context: ., dockerfile_inline: "FROM scratch\\nCOPY page /page"}}, scale: 0}}
  web: {{{SLEEPER}, volumes: [{{type: image, source: daily-site, target: /site}}]}}
""")
    seen = []
    for page, build in (("one", True), ("one", True), ("two", False)):
        world.write("page", page)
        if build:
            world.consort("build", "-q", "site")
        world.consort("up", "-d", *([] if build else ["--build"]))
        check(world.consort("exec", "-T", "web", "cat", "/site/page").out == page, f"the page is not {page}")
        seen.append(world.service("web")["ID"])
    check(seen[0] == seen[1] != seen[2], f"recreated at other times: {seen}")
    world.consort("down", "-t", "0", "--rmi", "local")
    world.consort("image", "rm", "daily-site", status=None)


def scenario_names_and_selections_that_have_no_effect_are_told(world):
    """`events` of an unknown service must fail at once; `config` must say where it does not select services."""
    world.write("compose.yaml", f'services: {{s: {{image: "{IMAGE}", ports: ["${{PORT:-8080}}:80"]}}}}')
    refused = world.consort("-f", "compose.yaml", "events", "nope", status=1, timeout=30)
    check("no such service: nope" in refused.err, str(refused))
    for flag in ("--no-interpolate", "--variables"):
        told = world.consort("config", flag, "s")
        check(f"service filtering is not applied when {flag} is set" in told.err and "8080" in told.out, str(told))


def scenario_what_only_a_swarm_obeys(world):
    """Attributes that have no effect outside of a swarm cluster must be told, with their path, and change nothing."""
    world.write("compose.yaml", f"""
services:
  s:
    image: "{IMAGE}"
    deploy: {{mode: global, placement: {{constraints: [x]}}}}
    ports: [{{target: 80, mode: host}}]
    secrets: [{{source: f, uid: "5"}}, {{source: e, uid: "5"}}]
secrets: {{f: {{file: ./compose.yaml, labels: {{a: b}}}}, e: {{environment: HOME, driver: x, driver_opts: {{a: b}}}}}}
configs: {{c: {{content: x, labels: {{a: b}}}}}}
""")
    told = world.consort("config", "-q").err
    for path in ("deploy.mode", "deploy.placement", "ports[80/tcp].mode", "secrets.f.uid"):
        check(told.count(f'\\"s\\": {path}: ') == 1, f"{path} is not told once:\n{told}")
    for path in ("configs.c.labels", "secrets.f.labels", "secrets.e.driver_opts"):
        check(told.count(f'msg="{path}: ') == 1, f"{path} is not told once:\n{told}")
    check("secrets.e.uid" not in told, f"what is obeyed is told, too:\n{told}")
    world.write("plain.yaml", f'services: {{s: {{image: "{IMAGE}", ports: ["80"], deploy: {{replicas: 2}}}}}}')
    check(world.consort("-f", "plain.yaml", "config", "-q").err == "", "an ordinary file is warned of")
    check(json.loads(world.consort("-f", "plain.yaml", "config", "--format", "json").out)["services"]["s"], "no output")


def scenario_what_is_shown_of_small_mistakes(world):
    """`config --fix` must mend all that is certain in one run and keep the old file; what is missing must be shown where it is asked for."""
    wrong = f"services:\n  s:\n    image: {IMAGE}\n    enviroment: {{A: b}}\n    comand: sleep 1  # kept\n"
    file = world.write("compose.yaml", wrong)
    shown = world.consort("--dry-run", "config", "--fix", status=None)
    check("+    environment: {A: b}" in shown.out + shown.err and file.read_text() == wrong, f"a dry run writes, or shows nothing: {shown}")
    world.consort("config", "--fix")
    check(file.read_text() == wrong.replace("enviroment", "environment").replace("comand", "command"), file.read_text())
    check((world.project / "compose.yaml.bak").read_text() == wrong, "the old file is not kept")
    world.write("sub/c.yaml", f"services: {{s: {{image: {IMAGE}, volumes: ['./missing:/m']}}}}\n")
    world.write("compose.yaml", "services: {s: {extends: {file: sub/c.yaml, service: s}}}\n")
    told = world.consort("config").err
    check(f"relative to {world.project}/sub" in told, f"where the path counts from: {told}")
    world.write("compose.yaml", f"services:\n  s:\n    image: {IMAGE}\n    secrets:\n      - one\nsecrets: {{one: {{file: ./nosuch}}}}\n")
    told = world.consort("up", status=1).err
    check("compose.yaml:5:" in told and "nosuch" in told, f"a missing secret is not shown where it is asked for: {told}")
    world.consort("down")


def scenario_what_newer_versions_show(world):
    """A column for engines, options of networks, what is in use of the images, and what docker asks of a plugin must be as with Docker."""
    failing = f'image: "{IMAGE}", command: sh -c "echo told; sleep 1; exit 3", healthcheck: {{test: "false", interval: 100ms, retries: 100}}'
    world.write("compose.yaml", f"""
services:
  s: {{{SLEEPER}, labels: {{com.docker.compose.engine: other}}}}
  failing: {{{failing}, profiles: [p]}}
  after: {{image: "{IMAGE}", profiles: [p], depends_on: {{failing: {{condition: service_healthy}}}}}}
networks: {{default: {{ipam: {{options: {{k: v}}}}}}}}
""")
    up = world.consort("up", "-d")
    check("ipam.options have no effect" in up.err, f"no word of options without effect: {up}")
    network = json.loads(world.consort("network", "inspect", f"{world.project_name}_default").out)[0]
    check(network["IPAM"]["Options"] == {"k": "v"}, str(network["IPAM"]))
    table = world.consort("ps").out.splitlines()
    check("ENGINE" in table[0] and "other" in table[1], f"no column of engines: {table}")
    images = world.consort("system", "df", "--format", "{{.Type}}: {{.Reclaimable}}").out.splitlines()[0]
    check(images.startswith("Images: ") and "(100%)" not in images, f"the image in use counts as reclaimable: {images}")
    metadata = json.loads(world.consort("docker-cli-plugin-metadata").out)
    check(metadata["SchemaVersion"] == "0.1.0" and metadata["Vendor"], str(metadata))
    told = world.consort("up", "-d", "after", status=1).err
    check("exited (3)" in told and "told" in told and "the health check" not in told, f"an exited dependency: {told}")
    check("has exited; start it with" in world.consort("exec", "-T", "failing", "true", status=1).err, "exec of what has exited")
    world.consort("--profile", "p", "down", "-t", "0")


def scenario_what_is_listed_of_containers_that_do_not_run(world):
    """What could not be started must show exit code 0, `images` when each was made, and a limit of restarts only go with on-failure."""
    world.write("compose.yaml", f"""
services:
  a: {{{SLEEPER}}}
  b: {{{SLEEPER}, network_mode: "service:a"}}
  bad: {{image: "{IMAGE}", command: nosuchprogram}}
  mute: {{image: "{IMAGE}", command: echo said, logging: {{driver: none}}}}
  local: {{image: "{IMAGE}", command: echo said, logging: {{driver: local}}}}
  tries: {{image: "{IMAGE}", command: "false", deploy: {{restart_policy: {{condition: any, max_attempts: 2}}}}}}
""")
    world.consort("up", "-d", "a")
    first = world.service("a")["ID"]
    world.consort("up", "-d", "b")
    inside = {s: world.consort("exec", "-T", s, "readlink", "/proc/self/ns/net").out for s in "ab"}
    check(inside["a"] == inside["b"] and world.service("a")["ID"] == first, f"b is not in the network of the a that ran: {inside}")
    world.consort("up", "-d", "bad", status=1)
    bad = world.service("bad")
    check((bad["ExitCode"], bad["State"], bad["Status"]) == (0, "created", "Created"), f"what never ran: {bad}")
    refused = world.consort("up", "-d", "tries", status=1)
    check("maximum retry count can only be used with 'on-failure'" in refused.err and "compose.yaml:8:" in refused.err, str(refused))
    world.consort("up", "--no-log-prefix", "mute", "local")
    mute, local = world.consort("logs", "mute"), world.consort("logs", "--no-log-prefix", "local")
    check("does not support reading" in mute.err and not mute.out and local.out == "said\n", f"{mute}{local}")
    rows = [line.split() for line in world.consort("images").out.splitlines()]
    check(rows[0][-1] == "CREATED" and all(row[-1] == "ago" for row in rows[1:]) and len(rows) > 1, f"images: {rows}")
    made = [image["LastTagTime"] for image in json.loads(world.consort("images", "--format", "json").out)]
    check(made and all(each[:2] == "20" for each in made), f"images in JSON: {made}")
    world.consort("down", "-t", "0")


def scenario_settings_of_the_dotenv_file(world):
    """COMPOSE_COMPATIBILITY and COMPOSE_IGNORE_ORPHANS of `.env` must be obeyed; `external:` must name the command that makes it."""
    world.write("compose.yaml", f"services: {{s: {{{SLEEPER}}}, other: {{{SLEEPER}, scale: 0}}}}")
    world.write(".env", "COMPOSE_COMPATIBILITY=true\n")
    world.consort("up", "-d")
    check(world.service("s")["Name"] == f"{world.project_name}_s_1", f"its name is {world.service('s')['Name']}")
    world.write("small.yaml", f"services: {{other: {{{SLEEPER}, scale: 0}}}}")
    check("Found orphan containers" in world.consort("-f", "small.yaml", "up", "-d").err, "orphans are not told")
    world.write(".env", "COMPOSE_IGNORE_ORPHANS=true\n")
    check("orphan" not in world.consort("-f", "small.yaml", "up", "-d").err, "orphans are told")
    (world.project / ".env").unlink()
    world.consort("down", "-t", "0", "--remove-orphans")
    for kind, use in (("network", "networks: [one]"), ("volume", "volumes: ['one:/v']")):
        world.write("external.yaml", f"services: {{s: {{{SLEEPER}, {use}}}}}\n{kind}s: {{one: {{external: true, name: daily-nosuch}}}}")
        told = world.consort("-f", "external.yaml", "up", "-d", status=1).err
        check(f"consort {kind} create daily-nosuch" in told and "external.yaml:2:" in told, f"an external {kind}: {told}")
    world.consort("down")


def scenario_stages_without_a_cache(world):
    """`no_cache_filter` must build the named stages anew and no others; a build names its image; what is mistyped or has Windows' line ends is told."""
    world.write("Dockerfile", f"FROM {IMAGE} AS prod\nRUN date +%N > /prod\nFROM prod AS last\nRUN date +%N > /last\n")
    world.write("compose.yaml", "services: {web: {build: {context: ., no_cache_filter: [last]}}}")
    seen = []
    for _ in range(2):
        built = world.consort("build")
        check(built.err.splitlines()[-1] == f" {world.project_name}-web  Built", f"the last word is {built.err!r}")
        seen.append(world.consort("run", "--rm", "-T", "web", "cat", "/prod", "/last").out.split())
    check(seen[0][0] == seen[1][0] and seen[0][1] != seen[1][1], f"made anew: {seen}")
    world.write("typo.yaml", "services: {web: {build: {context: ., target: prodd}}}")
    told = world.consort("-f", "typo.yaml", "build", status=1).err
    check('target stage "prodd" could not be found (did you mean prod?)' in told and "typo.yaml:1:" in told, f"a mistyped target: {told}")
    world.write("run.sh", "#!/bin/sh\r\necho hi\r\n").chmod(0o755)
    world.write("crlf.yaml", f'services: {{web: {{image: "{IMAGE}", volumes: ["./run.sh:/run.sh"], command: /run.sh}}}}')
    told = world.consort("-f", "crlf.yaml", "up", "-d", status=1).err
    check("Windows line endings" in told and "sed -i" in told, f"a script with Windows' line ends: {told}")
    world.consort("down", "-t", "0", "--rmi", "local")
