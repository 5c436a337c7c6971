// A TCP proxy before a server that cuts one connection after so many bytes of answers.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class CuttingProxy {
  /** Bytes that came from the server. */
  received = 0;
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #sendingCut: number | undefined;
  #cut: { readonly after: number; readonly before: () => Promise<void> } | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((client) => this.#connect(client));
  }

  /** Starts one before a port of this machine. */
  static async start(port: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts the next connection that brings more bytes; `before` is finished first. */
  cutAfter(bytes: number, before: () => Promise<void> = async () => {}): void {
    this.received = 0;
    this.#cut = { after: bytes, before };
  }

  /** Cuts the next connection that sends more bytes to the server. */
  cutSendingAfter(bytes: number): void {
    this.#sendingCut = bytes;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: Socket): void {
    const upstream = connect(this.#port, '127.0.0.1');
    let bytes = 0;
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let sent = 0;
    client.on('data', (chunk) => {
      sent += chunk.length;
      if (this.#sendingCut === undefined || sent <= this.#sendingCut) return;
      this.#sendingCut = undefined;
      client.destroy();
    });
    client.on('drain', () => upstream.resume());
    upstream.on('data', (chunk) => {
      bytes += chunk.length;
      this.received += chunk.length;
      const cut = this.#cut;
      const isCut = cut !== undefined && bytes > cut.after;
      if (!client.write(chunk) || isCut) upstream.pause();
      if (!isCut) return;
      this.#cut = undefined;
      void cut.before().finally(() => client.destroy());
    });
  }
}
