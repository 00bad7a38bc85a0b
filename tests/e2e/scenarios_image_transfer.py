"""Images to and from registries: names and passwords, transfers that are cut, and content that is damaged or hostile."""
import hashlib
import json
import tarfile

from harness import check, eventually, run
from image_tools import ApiRegistry, CuttingProxy, need, noise, packed, refused, special, store_listing, tar_of, zero_bomb

SLIM = "debian:bookworm-slim"


def scenario_images_push_and_pull(world):
    """What is pushed to a plain registry must come back the same, and only what is missing must move."""
    need("docker-registry")
    registry = ApiRegistry(world.folder / "registry")
    try:
        name = f"{registry.host}/team/app:1"
        world.consort("image", "tag", SLIM, name)
        world.consort("image", "push", name)
        check("image history" in world.consort("image", "--help").out, "the image commands are not listed")
        world.consort("image", "nonsense", status=1)
        again = world.consort("image", "push", name)
        check("Layer already exists" in again.err, f"the layer was sent twice:\n{again}")
        before = json.loads(world.consort("image", "inspect", name).out)[0]
        world.consort("image", "rm", name)
        world.use_fresh_store()
        pulled = world.consort("image", "pull", name)
        check("Pull complete" in pulled.err and pulled.out.strip() == name, str(pulled))
        after = json.loads(world.consort("image", "inspect", name).out)[0]
        check(after["Id"] == before["Id"] and after["RootFS"] == before["RootFS"], "another image came back")
        quiet = world.consort("image", "pull", "--quiet", name)
        check(quiet.err == "" and quiet.out.strip() == name, f"--quiet talks:\n{quiet}")
        refused(world, "image", "pull", f"{registry.host}/team/app:2", says=r"manifest for .*app:2 not found.*\n?.*")
        by_digest = after["RepoDigests"][0]
        world.consort("image", "rm", name)
        world.consort("image", "pull", by_digest)
        refused(world, "image", "pull", "--platform", "linux/s390x", name, says="does not match the specified platform")
    finally:
        registry.close()


def scenario_images_tls_and_password(world):
    """A registry with its own authority and a password must work with certs.d and login, and be refused without either."""
    need("docker-registry")
    need("htpasswd")
    address = "192.0.2.53"  # not of loopback: there, no certificate would be asked for
    check(run(["ip", "address", "add", f"{address}/32", "dev", "lo"]).status == 0, "ip address add failed")
    home = world.folder / "home"
    registry = None
    try:
        registry = ApiRegistry(world.folder / "registry", address, tls=True, password=True)
        world.env.update(HOME=str(home), DOCKER_CONFIG=str(home / "docker"))
        name = f"{registry.host}/app:1"
        world.consort("image", "tag", SLIM, name)
        refused(world, "image", "push", name, says="certificate")
        certificates = home / ".config/containers/certs.d" / registry.host
        certificates.mkdir(parents=True)
        (certificates / "ca.crt").write_text(registry.authority.read_text())
        refused(world, "image", "push", name, says="push access denied[\\s\\S]*consort login")
        user, password = registry.USER
        secret = world.write("secret", password + "\n")

        def login(text, status=0):
            secret.write_text(text)
            with open(secret) as source:
                return world.consort("login", registry.host, "-u", user, "--password-stdin", stdin=source, status=status)

        check("incorrect username or password" in login("wrong", 1).err, "a wrong password is not explained")
        login(password)
        check((home / "docker/config.json").stat().st_mode & 0o077 == 0, "others may read the credentials")
        world.consort("image", "push", name)
        world.consort("image", "rm", name)
        world.use_fresh_store()
        world.consort("image", "pull", name)
        world.consort("logout", registry.host)
        world.use_fresh_store()
        world.consort("image", "rm", name)
        refused(world, "image", "pull", name, says="pull access denied.*login")
        # The same through a credential helper: nothing of the secret is in config.json.
        helper = home / "bin/docker-credential-test"
        helper.parent.mkdir()
        helper.write_text('#!/bin/sh\nf="$HOME/secret"\ncase $1 in\nstore) cat > "$f";;\nget) cat "$f" 2>/dev/null || '
                          '{ echo "credentials not found in native keychain"; exit 1; };;\nerase) rm -f "$f";;\nesac\n')
        helper.chmod(0o755)
        world.env["PATH"] = f"{helper.parent}:{world.env['PATH']}"
        (home / "docker/config.json").write_text(json.dumps({"credHelpers": {registry.host: "test"}}))
        login(password)
        check(password not in (home / "docker/config.json").read_text(), "the secret is in config.json")
        world.consort("image", "pull", name)
        world.consort("logout", registry.host)
        check(not (home / "secret").exists(), "logout left the secret")
    finally:
        if registry:
            registry.close()
        run(["ip", "address", "del", f"{address}/32", "dev", "lo"])


def scenario_images_resume_after_cut(world):
    """A download that is cut at 50 % must go on there: by itself, and in the next command; less than 5 % comes twice."""
    need("docker-registry")
    world.use_fresh_store()
    registry = ApiRegistry(world.folder / "registry")
    try:
        for tag, survives in (("a", True), ("b", False)):
            tar = tar_of((f"data-{tag}", noise(40_000_000)))
            layer = packed(tar)
            registry.put_image(f"app:{tag}", [layer])
            proxy = CuttingProxy(registry.host, len(layer[0]) // 2)
            proxy.refuse_after_cut = not survives
            name = f"{proxy.host}/app:{tag}"
            pull = world.start("image", "pull", name)
            eventually("the line is cut", lambda: proxy.cuts == 1)
            if not survives:  # it would try for a minute
                eventually("it tries again", lambda: proxy.refused > 0)
                pull.terminate()
            status = pull.wait(120)
            check((status == 0) == survives, f"ended with {status}:\n{pull.stderr.read()}")
            if not survives:
                proxy.refuse = False
                world.consort("image", "pull", name)
            check(proxy.passed < 1.05 * len(layer[0]), f"{proxy.passed} bytes came for a layer of {len(layer[0])}")
            proxy.close()
    finally:
        registry.close()


def scenario_images_damaged_in_the_registry(world):
    """A wrong digest, a truncated layer and lying sizes must be told, and leave the store as it was; the repaired image must come."""
    need("docker-registry")
    world.use_fresh_store()
    world.consort("image", "ls")
    registry = ApiRegistry(world.folder / "registry")
    try:
        before = store_listing(world)

        def nothing_stays(name, says):
            refused(world, "image", "pull", name, says=says)
            left = store_listing(world) - before
            check(not left, f"left in the store: {left}")

        good = packed(tar_of(("file", noise(3_000_000))))
        name = registry.put_image("damaged:1", [good])
        blob = registry.blob_file("sha256:" + hashlib.sha256(good[0]).hexdigest())
        whole = blob.read_bytes()
        blob.write_bytes(whole[:1_000_000] + bytes([whole[1_000_000] ^ 1]) + whole[1_000_001:])
        nothing_stays(name, "verify|damaged|digest")
        blob.write_bytes(whole[:1_500_000])
        nothing_stays(name, "only 1500000 of the|closes the connection after 1500000 bytes|ends too early")
        blob.write_bytes(whole)
        world.consort("image", "pull", name)
        world.consort("image", "rm", name)
        cut = packed(tar_of(("file", noise(3_000_001))))
        nothing_stays(registry.put_image("short:1", [(cut[0][:1_000_000], cut[1])]), "gzip data ends too early")
        for lie in (-1000, 1000):
            def change(manifest):
                manifest["layers"][0]["size"] += lie
            nothing_stays(registry.put_image(f"lie:{lie + 5000}", [good], change), "manifest declares")
        other = packed(tar_of(("file", b"another")))
        nothing_stays(registry.put_image("other:1", [(other[0], good[1])]), "configuration names")
    finally:
        registry.close()


def scenario_images_malicious_layers(world):
    """No layer may touch what is outside of it; each attempt must be named and leave nothing in the store."""
    need("docker-registry")
    world.use_fresh_store()
    world.consort("image", "ls")
    registry = ApiRegistry(world.folder / "registry")
    outside = world.folder / "outside"
    outside.mkdir()
    (outside / "victim").write_text("as it was")
    try:
        before = store_listing(world)
        up = "../" * 12 + str(outside).lstrip("/")
        attempts = {
            "traversal": (tar_of((f"{up}/planted", b"x")), "leads out of the layer"),
            "whiteout": (tar_of((f"{up}/.wh.victim", b"")), "leads out of the layer"),
            "hardlink": (tar_of(special("link", tarfile.LNKTYPE, f"{up}/victim")), "leads out of the layer"),
            "absolute-hardlink": (tar_of(special("link", tarfile.LNKTYPE, f"{outside}/victim")), "not in the layer|no such file"),
            "overwrite": (tar_of(special("link", tarfile.LNKTYPE, f"{outside}/victim"), ("link", b"changed")), "not in the layer|no such file"),
        }
        for name, (tar, says) in attempts.items():
            ran = refused(world, "image", "pull", registry.put_image(f"evil-{name}:1", [packed(tar)]), says=says)
            check(store_listing(world) == before, f"{name} left something:\n{ran}")
        # A link that leads out is just a name: what goes through it ends inside the layer.
        linked = tar_of(special("way", tarfile.SYMTYPE, str(outside)), ("way/planted", b"x"), ("way/victim", b"changed"))
        world.consort("image", "pull", registry.put_image("evil-link:1", [packed(linked)]), status=None)
        check(sorted(p.name for p in outside.iterdir()) == ["victim"], "something was put outside")
        check((outside / "victim").read_text() == "as it was", "a file outside was changed")
        world.consort("image", "prune", "-a", "-f")
        check(store_listing(world) == before, "prune left something")
        bomb = zero_bomb(10 << 30)
        name = registry.put_image("bomb:1", [(bomb, None)])
        ran = refused(world, "image", "pull", name, says="larger than the limit of 256 MiB",
                      env={"CONSORT_MAX_LAYER_SIZE": "256m"})
        check(store_listing(world) == before, f"the bomb left something:\n{ran}")
    finally:
        registry.close()
