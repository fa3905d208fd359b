import { status as codes, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Failure, failureOf } from '../errors.ts';

/** The error of gRPC that tells a client of a failure: its status's number, its message as it is. */
export function serviceError({ status, message }: Failure): Partial<ServiceError> {
  return { code: codes[status], details: message, message, metadata: new Metadata() };
}

/** The same for whatever was thrown on the way. */
export const serviceErrorOf = (thrown: unknown): Partial<ServiceError> => serviceError(failureOf(thrown));
