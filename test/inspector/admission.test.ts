import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../src/inspector/admission.ts';

const RULES = { token: 'secret', names: ['Build.example'] };
const asked = (of: Partial<Parameters<typeof refusalOf>[0]> = {}) =>
  refusalOf({ url: '/?token=secret', host: '127.0.0.1:7000', origin: undefined, ...of }, RULES)?.status;

describe('who may look', () => {
  it.each([
    ['a program with the token', {}],
    ['its own page', { origin: 'http://127.0.0.1:7000' }],
    ['a browser on this host', { host: 'localhost:7000', origin: 'http://localhost:7000' }],
    ['by IPv6', { host: '[::1]:7000' }],
    ['by the name it was started for, as a browser writes it', { host: 'build.example:7000' }],
    ['by that name as it was given', { host: 'Build.example:7000' }],
  ])('%s', (_, of) => {
    expect(asked(of)).toBeUndefined();
  });
});

describe('who may not', () => {
  it.each([
    ['without the token', { url: '/' }, 401],
    ['with another token of that length', { url: '/?token=secreT' }, 401],
    ['with another token', { url: '/?token=' }, 401],
    ['a page of somebody else', { origin: 'https://evil.example' }, 403],
    ['a page on another port', { origin: 'http://127.0.0.1:8000' }, 403],
    ['a page without an origin, as a sandbox has it', { origin: 'null' }, 403],
    [
      'a name that was made to lead here',
      { host: 'evil.example:7000', origin: 'http://evil.example:7000' },
      421,
    ],
    ['no host at all', { host: undefined }, 421],
    ['a path that no URL has, without the token', { url: '//' }, 401],
    ['a path that leads elsewhere', { url: '//:99999/?token=secret\\' }, 401],
    ['the address of another server', { url: 'http://evil.example/?token=secret' }, 400],
    ['no path', { url: '*' }, 400],
  ])('%s', (_, of, status) => {
    expect(asked(of)).toBe(status);
  });
});
