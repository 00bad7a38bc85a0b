// What tests do with Testcontainers, against the server at DOCKER_HOST. Any failure is an exception.
import assert from 'node:assert';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const { DockerComposeEnvironment, GenericContainer, Network, Wait } = createRequire(process.env.CLIENTS + '/')('testcontainers');
const image = 'debian:bookworm-slim';
const server = ['perl', '-MIO::Socket::INET', '-e', `$| = 1; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die;
print "ready\\n"; while (my $c = $s->accept) { my $l = <$c>; print $c "HTTP/1.0 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\npage"; close $c }`];
const serving = () => new GenericContainer(image).withCommand(server).withExposedPorts(8080);
const read = async (stream) => { let size = 0; for await (const part of stream) size += part.length; return size; };

const network = await new Network().start();
const [web, healthy, open] = await Promise.all([
  serving().withNetwork(network).withNetworkAliases('web').withWaitStrategy(Wait.forLogMessage('ready')).start(),
  serving().withHealthCheck({ test: ['CMD-SHELL', 'true'], interval: 200, timeout: 5000, retries: 9 }).withWaitStrategy(Wait.forHealthCheck()).start(),
  serving().withWaitStrategy(Wait.forAll([Wait.forListeningPorts(), Wait.forHttp('/', 8080)])).start(),
]);
const answer = await fetch(`http://${web.getHost()}:${web.getMappedPort(8080)}/`);
assert.equal(await answer.text(), 'page');
await web.copyContentToContainer([{ content: 'hello', target: '/tmp/h' }]);
const { exitCode, output } = await web.exec(['sh', '-c', 'cat /tmp/h; exit 2']);
assert.deepEqual([exitCode, output], [2, 'hello']);
assert.ok(await read(await web.copyArchiveFromContainer('/tmp/h')) > 0);
const seen = await new GenericContainer(image).withNetwork(network).withWaitStrategy(Wait.forOneShotStartup())
  .withCommand(['perl', '-MIO::Socket::INET', '-e', 'IO::Socket::INET->new("web:8080") or die "$!"']).start();
const [first, second] = [await serving().withReuse().start(), await serving().withReuse().start()];
assert.equal(first.getId(), second.getId());
await Promise.all([web, healthy, open, seen, first].map((each) => each.stop({ timeout: 0 })));
await network.stop();

if (process.env.WITH_COMPOSE) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tc-'));
  fs.writeFileSync(path.join(folder, 'c.yaml'), `services:\n  a:\n    image: ${image}\n    command: sh -c "echo ready; exec sleep 1000"\n    stop_grace_period: 0s\n`);
  const environment = await new DockerComposeEnvironment(folder, 'c.yaml').withWaitStrategy('a-1', Wait.forLogMessage('ready')).up();
  assert.ok(environment.getContainer('a-1').getId());
  await environment.down();
  fs.rmSync(folder, { recursive: true });
}
process.exit(0);
