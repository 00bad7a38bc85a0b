"""Services and models that other programs provide."""
import signal

from harness import check, eventually
from scenarios_projects import Started

IMAGE = "debian:bookworm-slim"
# Writes down how it is called; what it answers is beside it.
CLOUD = """#!/bin/sh
here=$(dirname "$0")
if [ "$2" = metadata ]; then
  echo '{"description":"x","up":{"parameters":[{"name":"name","required":true},{"name":"size"}]},"down":{"parameters":[{"name":"name"}]},"stop":{}}'
  exit
fi
echo "$@" >> "$here/calls"
for last; do :; done
printf '{"type":"info","message":"work \\\\u001b[31mon %s"}\\n' "$last"
. "$here/answer"
"""
ANSWER = """printf '{"type":"setenv","message":"URL=https://cloud/%s"}\\n' "$last"\n"""
FILE = f"""
services:
  test: {{image: "{IMAGE}", command: env, depends_on: [one, two]}}
  other: {{image: "{IMAGE}", command: printenv HOME}}
  one: {{provider: {{type: cloud, options: {{name: one, size: 1, region: x}}}}}}
  two: {{provider: {{type: cloud, options: {{name: two}}}}}}
"""


def use_provider(world, answer=ANSWER):
    world.write("bin/cloud", CLOUD).chmod(0o755)
    world.write("bin/answer", answer)
    world.env["PATH"] = f"{world.project}/bin:{world.env['PATH']}"
    world.write("compose.yaml", FILE)


def calls(world):
    file = world.project / "bin/calls"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return sorted(line.removeprefix(f"compose --project-name={world.project_name} ") for line in lines)


def scenario_providers_are_asked_once_and_their_variables_arrive(world):
    """What providers set must reach the service that depends on them; each is asked once, and only a change makes a container anew."""
    use_provider(world)
    both = ["up --name=one --size=1 one", "up --name=two two"]
    ran = world.consort("up")
    shown = [line for line in ran.out.splitlines() if "_URL=" in line]
    check([line.split(" | ") for line in sorted(shown)] == [["test-1  ", f"{n.upper()}_URL=https://cloud/{n}"] for n in ("one", "two")], str(ran))
    check("\033" not in ran.err and " one  work " in ran.err and " one  Created" in ran.err, repr(ran.err))
    check(calls(world) == both, "attached `up` asks each once")
    before = world.service("test")["ID"]
    world.consort("up", "-d")
    check(calls(world) == both, "`up` asks again")
    world.consort("up", "-d", "--no-deps", "test")
    world.consort("up", "-d", "other")
    world.consort("up", "-d", "--dry-run")
    check(calls(world) == [], "who is not selected, or is only planned for, is not asked")
    check(world.service("test")["ID"] == before, "nothing has changed, and the container is another")
    check("ONE_URL=https://cloud/one" in world.consort("run", "--rm", "test", "env").out, "`run` lacks the variable")
    check(calls(world) == both, "`run` asks what its service depends on")
    world.write("bin/answer", ANSWER.replace("https", "http"))
    world.consort("up", "-d")
    check(world.service("test")["ID"] != before, "another address, and the container is the same")
    check("ONE_URL=http://cloud/one" in world.consort("logs", "test").out, "the new address is not there")
    calls(world)
    world.consort("stop")
    check(calls(world) == ["stop one", "stop two"], "`stop` asks those that can stop")
    check({c["Service"] for c in world.ps_all()} == {"test", "other"}, "`ps` shows containers")
    world.consort("down")
    check(calls(world) == ["down --name=one one", "down --name=two two"], "`down` asks each")


def scenario_hooks_that_start_runs_have_the_variables_of_providers(world):
    """`start` after `create` must ask the providers of services whose hooks it runs, and no others."""
    use_provider(world)
    world.write("compose.yaml", f"""
services:
  test: {{image: "{IMAGE}", command: "true", depends_on: [one], volumes: ["data:/d"], pre_start: [{{command: sh -c 'echo $$ONE_URL > /d/seen'}}]}}
  look: {{image: "{IMAGE}", command: cat /d/seen, depends_on: [two], volumes: ["data:/d"]}}
  one: {{provider: {{type: cloud, options: {{name: one}}}}}}
  two: {{provider: {{type: cloud, options: {{name: two}}}}}}
volumes: {{data: }}
""")
    world.consort("create")
    calls(world)
    world.consort("start", "look")
    check(calls(world) == [], "`start` asks though no hook is to run")
    world.consort("start", "test")
    check(calls(world) == ["up --name=one one"], "`start` asks the provider of the hook's service")
    seen = world.consort("run", "--rm", "--no-deps", "-T", "look").out
    check(seen == "https://cloud/one\n", f"the hook had another variable: {seen!r}")
    world.consort("down", "-v")


def scenario_a_provider_that_fails_keeps_its_dependents_from_being_made(world):
    """A provider that is missing or fails must end `up` with 1, its own words and the line; one that is interrupted must hear of it."""
    use_provider(world, """echo '{"type":"error","message":"quota exceeded"}'; echo detail >&2; exit 1\n""")
    ran = world.consort("up", "-d", status=1)
    check("by provider \"cloud\": quota exceeded" in ran.err and "compose.yaml:" in ran.err and "detail" in ran.err, str(ran))
    check(world.ps_all() == [], "a container was made all the same")
    check("quota exceeded" in world.consort("down", status=1).err, "`down` must say so, too")
    missing = world.consort("up", "-d", status=1, env={"PATH": "/usr/bin:/bin"})
    check("provider \"cloud\" not found" in missing.err and "compose.yaml:" in missing.err, str(missing))
    ran = world.consort("run", "one", "sh", status=1)
    check("it has no container to run a command in" in ran.err, str(ran))
    check("provider:" in world.consort("config").out, "`config` needs no provider")
    world.write("bin/answer", """trap 'echo heard > "$here/heard"; exit 1' INT TERM\necho '{"type":"info","message":"waiting"}'
while :; do sleep 0.05; done\n""")
    command = Started(world, "up")
    command.shows("waiting")
    command.interrupt(signal.SIGINT)
    command.ends(130)
    eventually("the provider hears it", lambda: (world.project / "bin/heard").exists())


def scenario_models_come_from_the_model_runner(world):
    """A model must be pulled if it is missing, configured, and its variables set; without a runner `up` must refuse."""
    world.write("compose.yaml", f"""
services:
  test: {{image: "{IMAGE}", command: env, models: [my-llm]}}
models:
  my-llm: {{model: ai/smollm2, context_size: 1024}}
""")
    world.env["DOCKER_CONFIG"] = str(world.project / "docker")
    ran = world.consort("up", "-d", status=1)
    check("'models' support requires Docker Model plugin" in ran.err and "compose.yaml:5" in ran.err, str(ran))
    world.write("docker/cli-plugins/docker-model", """#!/bin/sh
case $1 in
ls) echo '[]';;
status) echo '{"endpoint":"http://model/v1/"}';;
*) echo "$@" >> calls;;
esac
""").chmod(0o755)
    out = world.consort("up").out
    check("MY_LLM_MODEL=ai/smollm2\n" in out and "MY_LLM_URL=http://model/v1/\n" in out, out)
    check((world.project / "calls").read_text() == "pull ai/smollm2\nconfigure --context-size 1024 ai/smollm2\n", "what the runner was asked")
