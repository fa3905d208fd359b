import { type ClientHttp2Session, connect, constants } from 'node:http2';
import net from 'node:net';
import {
  AddProcessRequest,
  APIService,
  CreateContainerRequest,
  StateResponse,
} from '../src/generated/api.ts';

/**
 * A client that costs little: the load comes from the two cores that it is put on, and @grpc/grpc-js takes 0.5 ms of them
 * for a call, a fifth of what the daemon and its shim take to start a container. It speaks gRPC over HTTP/2 as the
 * protocol's document has it (PROTOCOL-HTTP2.md), and knows no more of it than a load needs.
 */
export class LoadClient {
  readonly #session: ClientHttp2Session;

  constructor(socketPath: string) {
    this.#session = connect('http://localhost', { createConnection: () => net.connect(socketPath) });
    // Every call that is under way fails with it.
    this.#session.on('error', () => {});
  }

  async create(id: string, bundlePath: string): Promise<void> {
    const request = CreateContainerRequest.fromPartial({ id, bundlePath });
    await this.#call(APIService.createContainer.path, CreateContainerRequest.encode(request).finish());
  }

  async exec(id: string, args: string[]): Promise<void> {
    const request = AddProcessRequest.fromPartial({ id, args });
    await this.#call(APIService.addProcess.path, AddProcessRequest.encode(request).finish());
  }

  async state(): Promise<StateResponse> {
    return StateResponse.decode(await this.#call(APIService.state.path, new Uint8Array()));
  }

  close(): void {
    this.#session.close();
  }

  /** The answer of a call that has succeeded, encoded; rejects with the words of a failure. */
  #call(path: string, message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
      });
      const answer: Buffer[] = [];
      let status = '';
      let words = '';
      const heard = (headers: Record<string, unknown>) => {
        status = String(headers['grpc-status'] ?? status);
        words = String(headers['grpc-message'] ?? words);
      };
      // A failure comes without a message, and its status as the only headers.
      stream.on('response', heard);
      stream.on('trailers', heard);
      stream.on('error', reject);
      stream.on('data', (bytes: Buffer) => answer.push(bytes));
      stream.on('close', () => {
        if (status === '0') resolve(Buffer.concat(answer).subarray(PREFIX_BYTES));
        else reject(new Error(`${path}: ${decodeURIComponent(words) || 'the connection has ended'}`));
      });
      stream.end(framed(message));
    });
  }
}

/** A message as gRPC frames it: not compressed, its length in four bytes, itself. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

const PREFIX_BYTES = 5;
