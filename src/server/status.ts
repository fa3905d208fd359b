import { status as codes, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Failure, failureOf } from '../errors.ts';

/** A text goes in a header, percent-encoded; of headers, Node takes 64 KB in all. */
const MAX_TEXT_BYTES = 8 * 1024;

/** The error of gRPC that tells a client of a failure: its status's number, its message as far as it can be sent. */
export function serviceError({ status, message }: Failure): Partial<ServiceError> {
  const details = sendable(message);
  return { code: codes[status], details, message: details, metadata: new Metadata() };
}

/** The same for whatever was thrown on the way. */
export const serviceErrorOf = (thrown: unknown): Partial<ServiceError> => serviceError(failureOf(thrown));

/** A text in Unicode, as grpc-js throws at half a character, and with its middle left out where it is too long. */
function sendable(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_TEXT_BYTES) return bytes.toString();
  const [begin, end] = [bytes.subarray(0, MAX_TEXT_BYTES / 2), bytes.subarray(-MAX_TEXT_BYTES / 2)];
  return `${begin.toString().replace(/\ufffd+$/, '')}…${end.toString().replace(/^\ufffd+/, '')}`;
}
