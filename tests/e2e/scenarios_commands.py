"""Commands beside the everyday ones: other formats, files from containers, times, and what only docker's command has."""
import json

from harness import check, leaves_the_default_bridge

IMAGE = "debian:bookworm-slim"
SLEEPER = f'image: "{IMAGE}", command: sleep 1000, init: true'


@leaves_the_default_bridge
def scenario_bridge_to_other_formats(world):
    """`bridge convert` must write Kubernetes' objects or what a transformation makes of the model, and replace nothing unasked."""
    world.write("Dockerfile", f"FROM {IMAGE}\nLABEL com.docker.compose.bridge=transformation\nRUN mkdir /templates && echo t > /templates/t && chmod 4755 /templates/t\n"
                              'CMD ["sh", "-c", "cp /in/compose.yaml /out/got.yaml && cat /templates/t > /out/t"]\n')
    world.write("compose.yaml", f'services: {{s: {{{SLEEPER}, ports: ["8081:81"], secrets: [c]}}}}\nsecrets: {{c: {{file: ./said}}}}\n')
    world.write("said", "hush")
    world.consort("bridge", "convert", "-o", "objects")
    kinds = {f.read_text().split("kind: ")[1].split()[0] for f in (world.project / "objects").iterdir()}
    check({"Deployment", "Service"} <= kinds, f"kinds {kinds}")
    refused = world.consort("bridge", "convert", "-o", "objects", status=1)
    check("was not confirmed" in refused.err and "--yes" in refused.err, refused.err)
    world.write("build.yaml", "services: {t: {build: ., image: daily-transformation}}")
    world.consort("-f", "build.yaml", "build")
    check(world.consort("bridge", "transformations", "ls", "-q").out == "daily-transformation:latest\n", "it is not listed")
    world.consort("bridge", "convert", "-t", "daily-transformation", "-o", "objects", "--yes")
    check(sorted(f.name for f in (world.project / "objects").iterdir()) == ["got.yaml", "t"], "not replaced as a whole")
    got = (world.project / "objects/got.yaml").read_text()
    check("content: hush" in got and '- "81"' in got and f"image: {IMAGE}" in got, f"the model is\n{got}")
    world.write("Dockerfile.bad", f'FROM {IMAGE}\nCMD ["sh", "-c", "echo half > /out/half; exit 3"]\n')
    world.write("bad.yaml", "services: {t: {build: {context: ., dockerfile: Dockerfile.bad}, image: daily-bad}}")
    world.consort("-f", "bad.yaml", "build")
    failed = world.consort("bridge", "convert", "-t", "daily-bad", "-o", "new", "--yes", status=None)
    check(failed.status != 0 and not [f for f in world.project.iterdir() if f.name.startswith("new")], "something half-made")
    made = world.consort("bridge", "transformations", "create", "--from", "daily-transformation", "mine")
    check("Transformer created" in made.out and (world.project / "mine/templates/t").read_text() == "t\n", str(made))
    check((world.project / "mine/templates/t").stat().st_mode & 0o7000 == 0, "an image has left a set-user-id program of root's")
    world.consort("image", "rm", "daily-transformation", "daily-bad")


def scenario_files_from_containers(world):
    """`alpha generate` must write a file that makes the same container again, `up --timings` what was waited for."""
    world.write("compose.yaml", f"""
services:
  db: {{{SLEEPER}, healthcheck: {{test: "true", interval: 1s}}, volumes: ["data:/d", "./x:/x"]}}
  web: {{{SLEEPER}, environment: {{PRICE: "$$5"}}, ports: ["127.0.0.1:0:80"], depends_on: {{db: {{condition: service_healthy}}}}}}
volumes: {{data: }}
""")
    told = world.consort("up", "-d", "--wait", "--timings").out
    web = [line for line in told.splitlines() if line.startswith("web")]
    check(web and "after db was healthy" in web[0], f"the times are:\n{told}")
    check("There was nothing to do" in world.consort("up", "-d", "--timings").out, "an up that does nothing")
    world.consort("up", "--timings", status=1)
    names = [c["Name"] for c in world.ps_all()]
    text = world.consort("alpha", "generate", *names, "--project-dir", ".", "--name", "again").out
    world.write("again.yaml", text)
    again = json.loads(world.consort("-f", "again.yaml", "config", "--format", "json").out)
    web, db = again["services"]["web"], again["services"]["db"]
    check(web["environment"] == {"PRICE": "$$5"} and web["ports"][0]["target"] == 80, text)
    check(db["healthcheck"]["test"] == ["CMD-SHELL", "true"] and "source: ./x" in text, text)
    check(again["volumes"]["data"]["name"] == f"{world.project_name}_data", text)
    world.consort("down", "-t", "0", "-v")


def scenario_what_docker_has(world):
    """Docker's own lines must work: rename, update, diff, wait, lists with its settings and filters."""
    world.write("config.json", '{"psFormat": "{{.Name}}={{.Service}}"}')
    settings = {"DOCKER_CONFIG": str(world.project)}
    world.write(".env", "FROM_FILE=here\n")
    world.write("compose.yaml", f'services: {{s: {{{SLEEPER}, environment: {{OWN: mine}}}}}}')
    world.consort("up", "-d")
    name = f"{world.project_name}-s-1"
    check(world.consort("ps", env=settings).out == f"{name}=s\n", "psFormat is not obeyed")
    check("NAME" in world.consort("ps", "--format", "table", env=settings).out, "--format does not win")
    seen = world.consort("exec", "-T", "-e", "FROM_FILE", "-e", "OWN", "s", "sh", "-c", "echo $FROM_FILE $OWN; touch /new").out
    check(seen == "here mine\n", f"exec -e sees {seen}")
    check("A /new" in world.consort("diff", name).out.splitlines(), "diff does not show it")
    changed = "environment: {OWN: yours, DB_PASSWORD: hush}, stop_signal: SIGINT"
    world.write("changed.yaml", f'services: {{s: {{{SLEEPER}, {changed}}}}}')
    why = world.consort("-f", "changed.yaml", "up", "--dry-run").out
    check(why.startswith(f"Container {name} would be replaced: configuration has changed"), f"the dry run says {why!r}")
    fields = [line.strip() for line in why.splitlines()[1:]]
    wanted = ["environment.DB_PASSWORD: changed (not shown)", "environment.OWN: mine -> yours", "stop_signal: added SIGINT"]
    check(fields == wanted, f"field by field: {fields}")
    world.write("changed.yaml", f'services: {{s: {{{SLEEPER}, environment: {{OWN: mine}}}}}}\nnetworks: {{default: {{internal: true}}}}')
    why = world.consort("-f", "changed.yaml", "up", "--dry-run").out
    check(why.startswith("Network ") and why.endswith("  internal: false -> true\n"), f"of a network: {why!r}")
    world.consort("update", "--restart", "always", name)
    world.consort("rename", name, "daily-renamed")
    restart = json.loads(world.consort("inspect", "daily-renamed").out)[0]["HostConfig"]["RestartPolicy"]["Name"]
    check(restart == "always", f"the policy is {restart}")
    # By the name or the id of a container; `wait` without "container" is Compose's.
    waits = world.start("container", "wait", world.consort("inspect", "daily-renamed", "--format", "{{.Id}}").out[:12])
    world.consort("stop", "-t", "0", "s")
    told, _ = waits.communicate(timeout=120)
    check(waits.returncode == 0 and told == "137\n", f"container wait says {told!r}")
    waited = world.consort("container", "wait", "nosuch", "daily-renamed", status=1)
    check(waited.out == "137\n" and "No such container: nosuch" in waited.err, str(waited))
    listed = world.consort("image", "ls", "debian", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").out.split()
    check(IMAGE in listed, f"image ls shows {listed}")
    world.consort("down", "-t", "0")
