import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';

/** A container on this machine answers or refuses within a millisecond; a full queue of connections takes longer. */
const CONNECT_LIMIT_MS = 5000;

/** Connects to a port of a running container by its address on the tenant's network. @throws when nothing listens there */
export function openContainerPort(container: Docker.ContainerInspectInfo, port: number): Promise<Duplex> {
  const address = Object.values(container.NetworkSettings.Networks)
    .map(({ IPAddress }) => IPAddress)
    .find((each) => each !== '');
  if (!container.State.Running || address === undefined) return Promise.reject(new Error('The job does not run.'));
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, timeout: CONNECT_LIMIT_MS });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`Nothing answers at port ${port} of the job (${why}). A program in it must listen at 0.0.0.0, not at 127.0.0.1 only.`));
    };
    socket.once('timeout', () => fail('no answer'));
    socket.once('error', (error) => fail(error.message));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      socket.removeAllListeners('timeout');
      resolve(socket);
    });
  });
}
