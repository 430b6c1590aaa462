import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What a TCP proxy does to its connections, open and new ones. `cut` ends all and refuses new ones. `stall` keeps them and carries
 * nothing until it ends. `latency` carries everything later. `reset` tears a connection in the middle of an answer, after that many
 * bytes of it. `swallow` is a half-open line: what the client says is taken and lost. Such a connection is torn when the fault ends,
 * or, `forGood`, stays open and dead, as behind a firewall that forgot it; new ones work then.
 */
export type TcpFault = { kind: 'pass' } | { kind: 'cut' } | { kind: 'stall' } | { kind: 'latency'; ms: number } | { kind: 'reset'; afterBytes: number } | { kind: 'swallow'; forGood: boolean };

export interface TcpProxy {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** Connections accepted so far, cut or not. */
  connections(): number;
  /** Lines that have lost something so far. */
  swallowed(): number;
  /** The fault from now on; `pass` heals. */
  inject(fault: TcpFault): void;
  stop(): Promise<void>;
}

interface Line {
  readonly client: Socket;
  readonly target: Socket;
  /** bytes of answers since the fault began */
  answered: number;
  lost: 'no' | 'until-healed' | 'for-good';
}

/** A TCP proxy in front of a real service of this machine, to make it fail on demand. For tests only. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const lines = new Set<Line>();
  let fault: TcpFault = { kind: 'pass' };
  let changed = Promise.withResolvers<void>();
  let accepted = 0;
  let swallowed = 0;

  const tear = (line: Line): void => {
    line.client.resetAndDestroy();
    line.target.resetAndDestroy();
  };

  async function carry(line: Line, to: Socket, chunk: Buffer): Promise<void> {
    while (fault.kind === 'stall') await changed.promise;
    if (fault.kind === 'latency') await sleep(fault.ms);
    if (to.destroyed) return;
    if (line.lost === 'for-good') return;
    if (fault.kind === 'swallow' && to === line.target) {
      if (line.lost === 'no') swallowed += 1;
      line.lost = fault.forGood ? 'for-good' : 'until-healed';
      return;
    }
    if (fault.kind === 'reset' && to === line.client) {
      line.answered += chunk.length;
      if (line.answered > fault.afterBytes) {
        tear(line);
        return;
      }
    }
    if (to.write(chunk)) return;
    await new Promise<void>((resolve) => {
      to.once('drain', resolve);
      to.once('close', resolve);
    });
  }

  function join(line: Line, from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      from.pause();
      void carry(line, to, chunk).then(() => from.resume());
    });
    from.on('end', () => to.end());
    // A torn connection is what this proxy is for.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      to.destroy();
      lines.delete(line);
    });
  }

  const server = createServer((client) => {
    accepted += 1;
    if (fault.kind === 'cut') {
      client.on('error', () => client.destroy());
      client.resetAndDestroy();
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    client.setNoDelay(true);
    target.setNoDelay(true);
    const line: Line = { client, target, answered: 0, lost: 'no' };
    lines.add(line);
    join(line, client, target);
    join(line, target, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    port,
    connections: () => accepted,
    swallowed: () => swallowed,
    inject(next) {
      fault = next;
      changed.resolve();
      changed = Promise.withResolvers();
      for (const line of lines) {
        line.answered = 0;
        if (fault.kind === 'cut' || (line.lost === 'until-healed' && fault.kind !== 'swallow')) tear(line);
      }
    },
    async stop() {
      fault = { kind: 'pass' };
      changed.resolve();
      for (const line of lines) tear(line);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
