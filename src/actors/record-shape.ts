import type { CreateRequest, ProcessSpec } from '../machines/messages.ts';

/** Whether what was read back is what was written down: a disk may have lost or changed any of it. */

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isId = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32;

export function isProcessSpec(value: unknown): value is ProcessSpec {
  if (!isObject(value) || !isObject(value.user)) return false;
  const { terminal, user, args, env, cwd } = value;
  const { uid, gid, additionalGids } = user;
  const ids = Array.isArray(additionalGids) && [uid, gid, ...additionalGids].every(isId);
  return typeof terminal === 'boolean' && ids && isTexts(args) && isTexts(env) && isText(cwd);
}

export function isCreateRequest(value: unknown): value is CreateRequest {
  if (!isObject(value) || !isObject(value.stdio) || !isObject(value.inherited)) return false;
  const { type, requestId, id, bundlePath, stdio, spec, inherited, checkpoint } = value;
  const { stdin, stdout, stderr, console } = stdio;
  const texts = [requestId, id, bundlePath, checkpoint, stdin, stdout, stderr, console, inherited.path];
  return type === 'create' && texts.every(isText) && isProcessSpec(spec) && isObject(inherited.process);
}
