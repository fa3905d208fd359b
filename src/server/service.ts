import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import { type APIServer, APIService, type StateRequest, type StatsRequest } from '../generated/api.ts';
import { asEncoded } from './encoded.ts';

/** The service, but that `State` and samples pass as they have been encoded. */
export const apiService = {
  ...APIService,
  state: { ...APIService.state, responseSerialize: asEncoded },
  getStats: { ...APIService.getStats, responseSerialize: asEncoded },
};

export type ApiHandlers = Omit<
  { [Method in keyof typeof APIService]: APIServer[Method] },
  'state' | 'getStats'
> & {
  state: handleUnaryCall<StateRequest, Uint8Array>;
  getStats: handleServerStreamingCall<StatsRequest, Uint8Array>;
};
