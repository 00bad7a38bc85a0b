// What programs do with dockerode, against the server at DOCKER_HOST. Any failure is an exception.
import assert from 'node:assert';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';

const Docker = createRequire(process.env.CLIENTS + '/')('dockerode');
const image = 'debian:bookworm-slim';
const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace('unix://', '') });
const text = (stream) => new Promise((done, failed) => {
  let all = '';
  stream.on('data', (part) => { all += part; }).on('end', () => done(all)).on('error', failed);
});

// The whole body of a create comes in the query, too.
const container = await docker.createContainer({
  Image: image, name: 'node', Cmd: ['sleep', '1000'], Env: ['A=' + 'x'.repeat(5000)], ExposedPorts: { '80/tcp': {} },
  HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '' }] } },
});
await container.start();
await assert.rejects(container.start(), { statusCode: 304 });
const exec = await container.exec({ Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 4'], AttachStdout: true, AttachStderr: true });
const [out, err] = [new PassThrough(), new PassThrough()];
const stream = await exec.start({ hijack: true, stdin: false });
docker.modem.demuxStream(stream, out, err);
stream.on('end', () => { out.end(); err.end(); });
assert.deepEqual(await Promise.all([text(out), text(err)]), ['out\n', 'err\n']);
assert.equal((await exec.inspect()).ExitCode, 4);
const ports = (await container.inspect()).NetworkSettings.Ports['80/tcp'];
assert.ok(Number(ports[0].HostPort) > 0);
assert.match(await text(await container.getArchive({ path: '/etc/hostname' })), /hostname/);
assert.equal((await docker.listContainers({ filters: { name: ['node'] } })).length, 1);
await container.remove({ force: true });
