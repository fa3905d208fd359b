import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContainerdError, catalogue, type ErrorName, failure } from '../../src/errors.ts';
import { serviceError, serviceErrorOf } from '../../src/server/status.ts';

describe('the error of gRPC', () => {
  it.each(Object.keys(catalogue) as ErrorName[])('for %s has its number and its text', (name) => {
    const { status: code, message } = failure(name, 'detail');
    expect(serviceError(failure(name, 'detail'))).toMatchObject({ code: status[code], details: message });
  });

  it('is the failure in what was thrown', () => {
    const { code, details } = serviceErrorOf(new ContainerdError('containerNotFound'));
    expect([code, details]).toEqual([status.NOT_FOUND, 'containerd: container not found']);
  });

  it.each([[new Error('oh')], ['oh']])('is INTERNAL for whatever else was thrown', (thrown) => {
    expect(serviceErrorOf(thrown)).toMatchObject({ code: status.INTERNAL, details: 'containerd: oh' });
  });

  it.each(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ERR_WORKER_INIT_FAILED', 'ERR_WORKER_OUT_OF_MEMORY'])(
    'is that of a limit of the host where that was in the way: %s',
    (code) => {
      expect(serviceErrorOf(Object.assign(new Error('oh'), { code }))).toMatchObject({
        code: status.RESOURCE_EXHAUSTED,
        details: 'containerd: the host has no more to give: oh',
      });
    },
  );

  it('can be sent, whatever is in its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30_000 }), fc.nat(), (text, cut) => {
        const { details = '' } = serviceError(
          failure('runtimeFailed', `\ud83d${text.slice(0, cut % 30_000)}\udc00`),
        );
        // As grpc-js does. All headers together take 64 KB at the most.
        expect(encodeURI(details).length).toBeLessThan(32_000);
      }),
    );
  });

  it('keeps the end of a long text, in which runc says what is wrong', () => {
    const { details = '' } = serviceError(failure('runtimeFailed', `begin ${'é'.repeat(100_000)} end`));
    expect(details).toMatch(/^containerd: begin é+…é+ end$/);
  });
});
