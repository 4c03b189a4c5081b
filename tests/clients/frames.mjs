// A socket whose frames are sent and read one by one, so that a client's own care does not hide what the service does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { within } from './service.mjs';

export const PROTOCOL = 'graphql-transport-ws';

export class Frames {
  #socket;
  /** What came and was not read yet. */
  #arrived = [];
  #arrival = () => {};

  constructor(socket) {
    this.#socket = socket;
    const arrive = (what) => {
      this.#arrived.push(what);
      this.#arrival();
    };
    socket.on('message', (frame, isBinary) => arrive(isBinary ? { binary: frame } : { message: JSON.parse(frame) }));
    socket.on('close', (code, reason) => arrive({ closed: code, reason: String(reason) }));
    // A socket that breaks is closed with 1006, and read as that.
    socket.on('error', () => {});
  }

  /** Opens a socket and initialises the connection. */
  static async ready(origin) {
    const frames = await Frames.open(origin);
    frames.send({ type: 'connection_init' });
    await frames.expect({ type: 'connection_ack' });
    return frames;
  }

  /** Opens a socket and leaves the rest to the test. */
  static async open(origin, { protocols = [PROTOCOL], headers = {} } = {}) {
    const socket = new WebSocket(address(origin), protocols, { headers });
    const frames = new Frames(socket);
    await within(once(socket, 'open'), 'a handshake');
    return frames;
  }

  get protocol() {
    return this.#socket.protocol;
  }

  /** Sends a message; a text or bytes go as they are. */
  send(message) {
    const isRaw = typeof message === 'string' || message instanceof Uint8Array;
    this.#socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** The next message; fails when the socket is closed instead. */
  async next() {
    const { message, ...other } = await this.#read('a message');
    assert.ok(message, `a message was expected, and there came ${JSON.stringify(other)}`);
    return message;
  }

  /** The next message is this one. */
  async expect(message) {
    assert.deepEqual(await this.next(), message);
  }

  /** The next thing is that the socket is closed, with this code. */
  async expectClose(code) {
    const end = await this.#read('a close');
    assert.equal(end.closed, code, `a close with ${code} was expected, and there came ${JSON.stringify(end)}`);
  }

  /** Reads on until the socket is closed: what came until then, and the code. */
  async end() {
    const messages = [];
    for (;;) {
      const { message, closed } = await this.#read('a close');
      if (closed !== undefined) return { messages, code: closed };
      messages.push(message);
    }
  }

  /** Everything before this was answered: what still came is returned. */
  async settle() {
    const payload = { settled: Math.random() };
    this.send({ type: 'ping', payload });
    const before = [];
    for (;;) {
      const message = await this.next();
      if (message.type === 'pong' && message.payload?.settled === payload.settled) return before;
      before.push(message);
    }
  }

  close() {
    this.#socket.close(1000);
  }

  async #read(what) {
    const arrived = new Promise((resolve) => (this.#arrival = resolve));
    if (this.#arrived.length === 0) await within(arrived, what);
    // Nothing comes after a close: whoever reads on shall see it again.
    return 'closed' in this.#arrived[0] ? this.#arrived[0] : this.#arrived.shift();
  }
}

/** What the service answers to a handshake that it refuses: the status, or the code with which it closes at once. */
export function refusal(origin, { protocols = [PROTOCOL], headers = {} } = {}) {
  // As a header of its own: where the answer names none of them, `ws` would break off before the close can be read.
  const offer = protocols.length > 0 ? { 'sec-websocket-protocol': protocols.join(', ') } : {};
  const socket = new WebSocket(address(origin), { headers: { ...offer, ...headers } });
  const refused = new Promise((resolve) => {
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      resolve({ status: response.statusCode });
    });
    socket.on('close', (code) => resolve({ code }));
    socket.on('error', () => {});
  });
  return within(refused, 'a refusal');
}

const address = (origin) => `${origin.replace('http', 'ws')}/graphql`;
