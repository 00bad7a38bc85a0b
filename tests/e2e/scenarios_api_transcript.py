"""The lines of docker that were recorded beside the real engine."""
import docker_transcript
from harness import check, leaves_the_default_bridge
from scenarios_serve import Server
from scenarios_api_tutorial import docker_command


def scenario_api_table_of_differences(_):
    """The page that lists what docker shows differently must say what the recorded lines say."""
    check(docker_transcript.page() == docker_transcript.PAGE.read_text(), "tests/e2e/docker_transcript.py table writes it anew")


def replay(world, sections):
    world.use_fresh_store()  # no images, containers or networks but the lines' own
    with Server(world) as server:
        player = docker_transcript.Player("unix://" + server.socket, docker_command(), world.project)
        try:
            wrong = [each for section in sections for each in docker_transcript.replay(player, section)]
        finally:
            player.close()
    check(not wrong, f"{len(wrong)} lines differ:\n" + "\n".join(wrong))


@leaves_the_default_bridge
def scenario_api_transcript_of_containers(world):
    """docker must say of containers what it says at the real engine."""
    replay(world, ("containers", "run", "exec"))


@leaves_the_default_bridge
def scenario_api_transcript_of_the_rest(world):
    """docker must say of images, builds, networks, volumes and the machine what it says at the real engine."""
    replay(world, ("images", "build", "networks", "volumes", "system"))
