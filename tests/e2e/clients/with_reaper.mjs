// A test program that is killed with its containers running: only the reaper can remove them.
import { createRequire } from 'node:module';

const { GenericContainer, Wait } = createRequire(process.env.CLIENTS + '/')('testcontainers');
await new GenericContainer('debian:bookworm-slim').withCommand(['sh', '-c', 'echo ready; exec sleep 1000'])
  .withWaitStrategy(Wait.forLogMessage('ready')).start();
console.log('started');
setInterval(() => {}, 1000);
