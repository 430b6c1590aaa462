import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Receiver {
  port: number;
  /** of this machine, by address */
  url: string;
  received: Received[];
  /** how the next requests are answered: a status, or by hand */
  answer: number | ((response: ServerResponse, received: Received) => void);
  /** requests that have neither been answered nor broken off */
  open(): number;
  /** refuses connections from now on; `listen` takes the same port again */
  close(): Promise<void>;
  listen(): Promise<void>;
}

/** A real HTTP server that notes what it gets. */
export async function startReceiver(): Promise<Receiver> {
  let open = 0;
  let server = createServer(handle);
  function handle(request: IncomingMessage, response: ServerResponse): void {
    open += 1;
    response.once('close', () => {
      open -= 1;
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const got: Received = { method: request.method ?? '', path: request.url ?? '', headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString('utf8') };
      receiver.received.push(got);
      if (typeof receiver.answer === 'number') response.writeHead(receiver.answer).end();
      else receiver.answer(response, got);
    });
  }
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const receiver: Receiver = {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    received: [],
    answer: 204,
    open: () => open,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    async listen() {
      server = createServer(handle);
      await listen(port);
    },
  };
  return receiver;
}
