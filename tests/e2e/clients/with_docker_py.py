"""What programs do with docker-py (Debian: python3-docker), against the server at DOCKER_HOST. Any failure is an exception."""
import io
import tarfile

import docker

IMAGE = "debian:bookworm-slim"


def archive(name, content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def main():
    client = docker.from_env(version="auto")
    assert client.ping()
    # It reads the head of an answer into a buffer: what has come with the head would be lost.
    ended = client.containers.run(IMAGE, "echo hello", detach=True)
    ended.wait()
    for _ in range(5):
        assert ended.attach(stream=False, logs=True) == b"hello\n"
    ended.remove()
    network = client.networks.create("py-net")
    volume = client.volumes.create("py-volume")
    container = client.containers.run(IMAGE, "sleep 1000", detach=True, name="py", network="py-net",
                                      volumes={"py-volume": {"bind": "/data", "mode": "rw"}}, ports={"80/tcp": None})
    assert container.put_archive("/data", archive("in", b"text"))
    assert container.exec_run("cat /data/in") == (0, b"text")
    assert container.exec_run("sh -c 'echo out; echo err >&2; exit 3'", demux=True) == (3, (b"out\n", b"err\n"))
    # Frames although it is a terminal: how the output is packed is for the start of a process to say.
    api = client.api
    assert api.exec_start(api.exec_create(container.id, "echo tty", tty=True)) == b"tty\r\n"
    container.reload()
    assert int(container.ports["80/tcp"][0]["HostPort"]) > 0 and network.name in container.attrs["NetworkSettings"]["Networks"]
    assert [each.name for each in client.containers.list(filters={"volume": "py-volume"})] == ["py"]
    # A classic build on a network reaches what is on it by its names, and leaves nothing there.
    api.build(fileobj=io.BytesIO(f"FROM {IMAGE}\nRUN getent hosts py > /found".encode()), tag="py-built", network_mode="py-net", quiet=True).__next__()
    assert client.containers.run("py-built", "cat /found", remove=True).split()[1] == b"py"
    network.reload()
    assert [each.name for each in network.containers] == ["py"]
    client.images.remove("py-built")
    image = container.commit("py-image", "1")
    # Fields that Docker showed until 1.50 of its API, and until 1.44.
    old = docker.from_env(version="1.41").api
    shown = old.inspect_image(image.id)
    assert shown["Config"]["OnBuild"] is None
    assert shown["Container"] == container.id and shown["ContainerConfig"]["Image"] == IMAGE
    assert shown["ContainerConfig"]["Cmd"] == ["sleep", "1000"] and shown["ContainerConfig"]["Hostname"] == container.id[:12]
    assert "Container" not in api.inspect_image(image.id)
    assert old.inspect_image(IMAGE)["ContainerConfig"]["Cmd"] is None and "Container" not in old.inspect_image(IMAGE)
    container.remove(force=True)
    shown = old.inspect_image(image.id)  # whose container is gone
    assert shown["Container"] == container.id and shown["ContainerConfig"]["Image"] == IMAGE
    assert shown["ContainerConfig"]["Cmd"] == ["sleep", "1000"]
    client.images.remove("py-image:1")
    network.remove()
    volume.remove()


if __name__ == "__main__":
    main()
